import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { PERSONAL_FIELDS } from '../../src/customers/domain/fields.js';
import { PersonalValues } from '../../src/customers/personal-values.js';
import { hashEvent, readMetadata } from '../../src/event-sourcing/envelope.js';
import type { JsonObject, RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { KeyRing, type SubjectKey } from '../../src/privacy/key-ring.js';
import { MasterKeys, WrappedKeyBroken } from '../../src/privacy/master-keys.js';
import type { Sealed } from '../../src/privacy/sealed.js';
import { SealBroken } from '../../src/privacy/sealing.js';
import type { KeyRef } from '../../src/privacy/subject-keys.js';
import { InMemorySubjectKeys } from '../support/in-memory-subject-keys.js';
import { scale } from '../support/scale.js';
import { SealedLog } from '../support/sealed-log.js';
import { seed } from '../support/seed.js';
import { TestClock } from '../support/test-clock.js';
import { MemoryLog } from './kernel-log.js';

const TRIALS = scale(2_000, 100_000);

interface At {
  readonly ref: KeyRef;
  readonly field: (typeof PERSONAL_FIELDS)[number];
}

/** Names that would run together if they were not kept apart: `a` in life 11, `a1` in life 1. */
const place: fc.Arbitrary<At> = fc.record({
  ref: fc.record({ subject: fc.constantFrom('a', 'b', 'a1', 'a"', 'email', '1'), revision: fc.constantFrom(1, 2, 11) }),
  field: fc.constantFrom(...PERSONAL_FIELDS),
});
const nameOf = ({ ref, field }: At): string => JSON.stringify([ref.subject, ref.revision, field]);

describe('A sealed value that is moved', () => {
  const masterKeys = new MasterKeys([{ id: 'test', key: randomBytes(32) }]);
  const subjectKeys = new InMemorySubjectKeys();
  const ring = new KeyRing(subjectKeys, masterKeys, new TestClock());

  const keyOf = async (ref: KeyRef): Promise<SubjectKey> => {
    const key = await ring.findOrCreate(ref);
    if (key === 'erased') throw new Error('Nobody was erased');
    return key;
  };
  const opens = (key: SubjectKey, { ref, field }: At, sealed: Sealed): boolean => {
    try {
      new PersonalValues(key, ref).open(field, sealed);
      return true;
    } catch (error) {
      if (error instanceof SealBroken) return false;
      throw error;
    }
  };

  it('to another customer, life or field opens there with neither key, and still opens where it was', async () => {
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(place, place, fc.json(), async (from, to, value) => {
        const [own, other] = [await keyOf(from.ref), await keyOf(to.ref)];
        const sealed = new PersonalValues(own, from.ref).seal(from.field, value);
        expect(opens(own, from, sealed)).toBe(true);
        if (nameOf(from) === nameOf(to)) return;
        moved += 1;
        expect([opens(own, to, sealed), opens(other, to, sealed)]).toEqual([false, false]);
      }),
      { numRuns: TRIALS, seed: seed() },
    );
    expect(moved).toBeGreaterThan(TRIALS * 0.9);
  });

  it('together with the row of its key opens nowhere: the row is refused as well', async () => {
    await fc.assert(
      fc.asyncProperty(place, place, async (from, to) => {
        const row = subjectKeys.peek(from.ref);
        fc.pre(row.status === 'active' && JSON.stringify(from.ref) !== JSON.stringify(to.ref));
        if (row.status === 'active') expect(() => masterKeys.unwrap(to.ref, row)).toThrow(WrappedKeyBroken);
      }),
      { numRuns: TRIALS, seed: seed() },
    );
  });

  it('between events of one customer opens, and the chain of its hashes tells', async () => {
    const log = new SealedLog(new MemoryLog());
    const events = [await log.append('a', 'CustomerCreated', { enabled: true }, { email: 'a-0@example.com' })];
    for (let n = 1; n < 12; n += 1) {
      events.push(await log.append('a', 'CustomerEmailChanged', {}, { email: `a-${String(n)}@example.com` }));
    }
    expect(brokenAt(events)).toBe(-1);
    const number = fc.nat(events.length - 1);
    fc.assert(
      fc.property(number, number, fc.boolean(), (from, to, hashedAnew) => {
        const [source, target] = [events[from], events[to]];
        fc.pre(from !== to && source !== undefined && target !== undefined);
        if (source === undefined || target === undefined) return;
        const altered = withEmail(target, source, hashedAnew);
        const found = brokenAt(events.with(to, altered));
        // Whoever makes its hash anew is found by the next event; at the end of the stream, by the checkpoint of the log.
        if (!hashedAnew) expect(found).toBe(to);
        else expect(found).toBe(to === events.length - 1 ? -1 : to + 1);
      }),
      { numRuns: TRIALS, seed: seed() },
    );
  });
});

function withEmail(target: RecordedEvent, source: RecordedEvent, hashedAnew: boolean): RecordedEvent {
  const data: JsonObject = { ...target.data, email: source.data['email'] ?? null };
  const altered = { ...target, data };
  return hashedAnew ? { ...altered, metadata: { ...altered.metadata, hash: hashEvent(altered) } } : altered;
}

/** The first event whose hash is not that of what stands there, or does not follow from the one before; -1 for none. */
function brokenAt(events: readonly RecordedEvent[]): number {
  return events.findIndex((event, at) => {
    const { hash, prevHash } = readMetadata(event);
    const before = events[at - 1];
    return hash !== hashEvent(event) || prevHash !== (before === undefined ? null : readMetadata(before).hash);
  });
}
