import fc from 'fast-check';
import { MemoryLog } from '../../test/faults/kernel-log.js';
import { CustomerModel, masked, type Snapshot, type Step, step } from '../../test/support/audit-model.js';
import { scale } from '../../test/support/scale.js';
import { SealedLog } from '../../test/support/sealed-log.js';
import { seed } from '../../test/support/seed.js';
import type { Json } from '../event-sourcing/event-store.js';
import { KeyMissing } from '../privacy/key-ring.js';
import { CustomerAudit, type HistoryEvent, type Moment } from './customer-audit.js';
import type { FieldChange } from './field-changes.js';

const ID = 'c1';
type Document = Readonly<Record<string, unknown>>;

/** A customer that went through these steps, and what it should have been after each event. */
async function lived(steps: readonly Step[]): Promise<{ log: SealedLog; audit: CustomerAudit; model: CustomerModel }> {
  const log = new SealedLog(new MemoryLog());
  const model = new CustomerModel(ID);
  for (const next of steps) {
    log.clock.advance(next.pause);
    const event = model.eventFor(next);
    if (event === undefined) continue;
    await log.append(ID, event.type, event.data, event.personal);
    model.take(event, log.clock.now());
  }
  return { log, audit: new CustomerAudit(log.store, log.keys, { liveMode: false }), model };
}

/** What a reader is to see of a snapshot. */
function seen(snapshot: Snapshot | undefined, last: Snapshot | undefined, pii: boolean): Document | undefined {
  if (snapshot === undefined) return undefined;
  const over = last?.status !== 'active' || last.life !== snapshot.life;
  if (over) return masked(snapshot, '[erased]');
  return pii ? snapshot.customer : masked(snapshot, '[personal]');
}

/** Without what is not told as a change. */
function told(document: Document | undefined): Record<string, unknown> {
  const {
    id: _id,
    liveMode: _mode,
    updatedTime: _time,
    ...rest
  } = JSON.parse(JSON.stringify(document ?? {})) as Record<string, unknown>;
  return rest;
}

/** RFC 6901 and what a change says, carried out: checks that each one tells the truth about what was there. */
function applied(document: Record<string, unknown>, changes: readonly FieldChange[]): unknown {
  const lists = new Set<unknown[]>();
  for (const { pointer, before, after } of changes) {
    const path = pointer
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = path.pop() ?? '';
    const holder = path.reduce<unknown>((at, part) => Object.getOwnPropertyDescriptor(at, part)?.value, document);
    const place = holder as Record<string, unknown>;
    expect([pointer, Object.getOwnPropertyDescriptor(place, last)?.value]).toEqual([pointer, before]);
    expect([pointer, before]).not.toEqual([pointer, after]);
    if (Array.isArray(place)) lists.add(place);
    if (after === undefined && !Array.isArray(place)) Reflect.deleteProperty(place, last);
    else Object.defineProperty(place, last, { value: after, writable: true, enumerable: true, configurable: true });
  }
  for (const list of lists) list.splice(0, list.length, ...list.filter((element) => element !== undefined));
  return document;
}

/** Personal fields of which a reader sees the same mark before and after, though an event wrote them in between. */
function rewritten(before: Snapshot | undefined, after: Snapshot, expected: readonly [unknown, unknown]): string[] {
  const marks = expected.map((document) => document as Record<string, unknown> | undefined);
  return ['email', 'shipping', 'metadata'].filter((name) => {
    const [mark, other] = marks.map((document) => document?.[name]);
    const isMark = mark === other && (mark === '[personal]' || mark === '[erased]');
    return isMark && before?.writtenBy[name] !== after.writtenBy[name];
  });
}

/** Checks what is told of values that are hidden. @returns the other changes */
function shownOf(changes: readonly FieldChange[], hidden: readonly string[]): readonly FieldChange[] {
  const isHidden = ({ before, after }: FieldChange): boolean =>
    before === after && (before === '[personal]' || before === '[erased]');
  expect(changes.filter(isHidden).map(({ pointer }) => pointer)).toEqual(hidden.map((name) => `/${name}`));
  return changes.filter((change) => !isHidden(change));
}

const momentOf = (text: string | number): Moment => (typeof text === 'number' ? { revision: text } : 'newest');

async function wholeHistory(audit: CustomerAudit, limit: number, pii: boolean): Promise<readonly HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (let after: Parameters<CustomerAudit['history']>[1]['after']; ;) {
    const page = await audit.history(ID, { after, limit }, pii);
    events.push(...page.events.filter((event) => 'changes' in event));
    expect(page.events.filter(({ problem }) => problem !== undefined)).toEqual([]);
    expect(page.events.length).toBeLessThanOrEqual(limit);
    if (!page.hasMore) return events;
    after = page.position;
  }
}

describe('the audit of a customer', () => {
  it('tells it at every revision, at every time and between any two as a model does, in every life', async () => {
    const history = fc.array(step, { minLength: 1, maxLength: scale(25, 60) });
    await fc.assert(
      fc.asyncProperty(history, fc.boolean(), fc.integer({ min: 1, max: 9 }), async (steps, pii, limit) => {
        const { audit, model } = await lived(steps);
        const { snapshots } = model;
        const last = snapshots.at(-1);
        const expected = snapshots.map((snapshot) => seen(snapshot, last, pii));
        for (const [revision, { at, life, status }] of snapshots.entries()) {
          const to = snapshots[revision + 1];
          const standing = { revision, life, status, stoodFrom: new Date(at).toISOString() };
          const asOf = await audit.asOf(ID, { revision }, pii);
          expect(asOf).toEqual({
            customerId: ID,
            ...standing,
            ...(to && { stoodTo: new Date(to.at).toISOString() }),
            ...(expected[revision] && { customer: expected[revision] }),
          });
          for (const time of [at, at + 0.5]) {
            const standsThen = snapshots.findLastIndex((other) => other.at <= time);
            expect((await audit.asOf(ID, { time }, pii)).revision).toBe(standsThen);
          }
        }
        await checkDiffs(audit, snapshots, expected, pii);
        const events = await wholeHistory(audit, limit, pii);
        expect(events.map(({ revision }) => revision)).toEqual([...snapshots.keys()]);
        for (const [revision, { changes }] of events.entries()) {
          const [before, after] = [expected[revision - 1], expected[revision]];
          const hidden = rewritten(snapshots[revision - 1], snapshots[revision]!, [before, after]);
          expect(applied(told(before), shownOf(changes, hidden))).toEqual(told(after));
        }
      }),
      { numRuns: scale(25, 500), seed: seed() },
    );
  }, 3_600_000);

  it('is not found before its first event, and never had a revision it has not come to', async () => {
    const { log, audit } = await lived([]);
    await expect(audit.asOf(ID, 'newest', true)).rejects.toMatchObject({ code: 'not_found' });
    await log.append(ID, 'CustomerCreated', { enabled: true });
    const before = { time: log.clock.now() - 1 };
    await expect(audit.asOf(ID, before, true)).rejects.toMatchObject({ code: 'not_found' });
    await expect(audit.asOf(ID, { revision: 1 }, true)).rejects.toMatchObject({
      faults: [{ code: 'invalid_parameter', parameter: 'revision' }],
    });
    const diff = await audit.diff(ID, before, momentOf('newest'), true);
    expect(diff).toMatchObject({ customerId: ID, to: { revision: 0 } });
    expect(diff.from).toBeUndefined();
    expect(diff.changes).toContainEqual({ pointer: '/enabled', after: true satisfies Json });
  });

  it('takes a destroyed key for an erasure, whatever the log says, and a missing one for an alarm', async () => {
    const { log, audit } = await lived([]);
    await log.append(ID, 'CustomerCreated', { enabled: true }, { email: 'a@example.com' });
    await log.keys.destroy({ subject: ID, revision: 1 });
    expect((await audit.asOf(ID, 'newest', true)).customer).toMatchObject({ email: '[erased]' });
    const strange = new CustomerAudit(log.store, new SealedLog(log.store).keys, { liveMode: false });
    await expect(strange.asOf(ID, 'newest', true)).rejects.toBeInstanceOf(KeyMissing);
    expect((await strange.asOf(ID, 'newest', false)).customer).toMatchObject({ email: '[personal]' });
  });
});

/** Between any two revisions, in either order. */
async function checkDiffs(
  audit: CustomerAudit,
  snapshots: readonly Snapshot[],
  expected: readonly (Document | undefined)[],
  pii: boolean,
): Promise<void> {
  for (const [from, before] of snapshots.entries()) {
    for (const [to, after] of snapshots.entries()) {
      const diff = await audit.diff(ID, { revision: from }, { revision: to }, pii);
      expect([diff.from?.revision, diff.to?.revision]).toEqual([from, to]);
      const hidden = rewritten(before, after, [expected[from], expected[to]]);
      expect(applied(told(expected[from]), shownOf(diff.changes, hidden))).toEqual(told(expected[to]));
    }
  }
}
