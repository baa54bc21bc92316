import { readNote } from '../../src/audit/checkpoint-note.js';
import type { HeldCheckpoint } from '../../src/audit/verify-checkpoints.js';
import { type Verification, verify } from '../../src/audit/verify-service.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { anAuditedWorld, type AuditedWorld } from '../support/audited-world.js';
import { CopiedLog, type CopiedTree, CopiedViews } from '../support/copied-audit.js';
import { scale } from '../support/scale.js';
import { type Tampered, tamperings } from './audit-tamperings.js';

let world: AuditedWorld;
beforeAll(async () => {
  world = await anAuditedWorld();
});

const outside = (): readonly HeldCheckpoint[] =>
  world.checkpoints.map(({ note }) => ({ ...readNote(note), isOutside: true }));

interface Copy {
  readonly events: readonly RecordedEvent[];
  readonly views: readonly CustomerView[];
  readonly tree: CopiedTree;
  readonly unreadable?: ReadonlySet<string>;
}

const whole = (): Copy => ({ events: world.log.events, views: world.views, tree: world.tree() });

const verified = ({ events, views, tree, unreadable }: Copy, now = 0): Promise<Verification> =>
  verify({
    store: new CopiedLog(events, unreadable),
    tree,
    views: new CopiedViews(views),
    projected: world.log.events.at(-1)?.position,
    keysOf: world.keysOf,
    outside: outside(),
    now,
    onProgress: () => undefined,
  });

/** Whether one of the findings names the event; or, of what was rewritten altogether, the checkpoints between which it lies. */
function names({ findings }: Verification, { named, isRange }: Tampered): boolean {
  const told = findings.flatMap(({ event }) => (event === undefined ? [] : [event.eventId ?? '', event.stream]));
  if (isRange !== true) return told.some((name) => named.includes(name));
  const victim = world.log.events.findIndex(({ id }) => id === named[0]);
  const sizes = [0, ...world.checkpoints.map(({ size }) => size)];
  const from = Math.max(...sizes.filter((size) => size <= victim));
  const rewritten = findings.find(({ kind }) => kind === 'rewritten');
  return rewritten?.event?.leafIndex === from;
}

describe('the verifier of the service', () => {
  it('finds nothing in what was left as it is, erased and deleted customers among it', async () => {
    const { findings, ...counts } = await verified(whole());
    expect(findings).toEqual([]);
    expect(counts).toMatchObject({
      verdict: 'sound',
      events: world.log.events.length,
      leaves: world.log.events.length,
      views: 4,
      uncovered: 0,
      checkpoints: world.checkpoints.length,
    });
    const ends = world.log.events.map(({ type }) => type).filter((type) => /Erased|Deleted|Hold/.test(type));
    expect(ends.sort()).toEqual([
      'CustomerDeleted',
      'CustomerErased',
      'LegalHoldLifted',
      'LegalHoldPlaced',
      'LegalHoldPlaced',
    ]);
    expect(world.views.map(({ status, life }) => [status, life])).toEqual([
      ['active', 1],
      ['active', 1],
      ['active', 2],
      ['erased', 1],
    ]);
  });

  const count = scale(2_000, 100_000);
  it(
    `finds each of ${String(count)} tamperings and names the event`,
    async () => {
      const missed: unknown[] = [];
      for await (const tampered of tamperings(world, count)) {
        const result = await verified(tampered);
        if (result.verdict !== 'manipulation' || !names(result, tampered)) {
          missed.push({ how: tampered.how, named: tampered.named, verdict: result.verdict, findings: result.findings });
        }
      }
      expect(missed.slice(0, 3)).toEqual([]);
    },
    scale(120_000, 7_200_000),
  );

  it('does not cover when the store wrote an event, and by which number it calls its place', async () => {
    const events = world.log.events.map((event, at) => ({
      ...event,
      recordedAt: 5,
      position: String(at + 1_000) as typeof event.position,
    }));
    expect(await verified({ ...whole(), events })).toMatchObject({ verdict: 'sound', findings: [] });
  });

  it('tells of events that the tree should hold by now and does not, as a gap', async () => {
    const tree = world.tree();
    tree.kept.length -= 3;
    tree.checkpoints = tree.checkpoints.filter(({ size }) => size <= tree.kept.length);
    const late = world.log.events.at(-3)!;
    const now = late.recordedAt + 3_600_000;
    const store = new CopiedLog(world.log.events);
    const parts = { store, tree, views: new CopiedViews(world.views), projected: undefined, keysOf: world.keysOf };
    const result = await verify({ ...parts, outside: [], now, onProgress: () => undefined });
    expect(result).toMatchObject({ verdict: 'gaps', uncovered: 3 + tree.kept.length - tree.checkpoints.at(-1)!.size });
    expect(result.findings[0]).toMatchObject({ kind: 'gap', event: { eventId: late.id } });
  });
});
