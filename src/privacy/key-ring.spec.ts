import { randomBytes } from 'node:crypto';
import { InMemorySubjectKeys } from '../../test/support/in-memory-subject-keys.js';
import { Clock } from '../event-sourcing/clock.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing, KeyRing } from './key-ring.js';
import type { SubjectKey } from './key-ring.js';
import { fingerprintOf, MasterKeys } from './master-keys.js';
import { open, seal } from './sealing.js';
import type { KeyRef, KeyState } from './subject-keys.js';

class SetClock extends Clock {
  time = 1_700_000_000_000;
  override now(): number {
    return this.time;
  }
}

const refOf = (subject: string, revision = 1): KeyRef => ({ subject, revision });
const bytesOf = (key: SubjectKey | 'erased' | 'none'): string =>
  typeof key === 'string' ? key : key.secret.export().toString('hex');

describe('The key ring', () => {
  const ada = refOf('ada');
  const masterKeys = new MasterKeys([{ id: 'a', key: randomBytes(32) }]);
  let store: InMemorySubjectKeys;
  let clock: SetClock;
  let ring: KeyRing;

  beforeEach(() => {
    store = new InMemorySubjectKeys();
    clock = new SetClock();
    ring = new KeyRing(store, masterKeys, clock);
  });

  const otherInstance = () => new KeyRing(store, masterKeys, clock);

  describe('finding and making', () => {
    it('makes a key that opens what it sealed, also for another instance', async () => {
      const key = await ring.findOrCreate(ada);
      const again = await otherInstance().require(ada);
      if (key === 'erased' || again === 'erased') throw new Error('erased');
      expect(open(again, ada, 'email', seal(key, ada, 'email', 'value'))).toBe('value');
    });

    it('gives every life a key of its own, also while it holds the others', async () => {
      const keys: string[] = [];
      for (const ref of [ada, refOf('ada', 2), refOf('adb')]) keys.push(bytesOf(await ring.findOrCreate(ref)));
      expect(new Set(keys).size).toBe(3);
      expect((await ring.findMany([ada, refOf('ada', 2), refOf('adb')])).map(bytesOf)).toEqual(keys);
    });

    it('gives all who race to make a key the same one', async () => {
      const rings = Array.from({ length: 5 }, otherInstance);
      const keys = await Promise.all(rings.map((each) => each.findOrCreate(ada)));
      expect(new Set(keys.map(bytesOf)).size).toBe(1);
    });

    it('finds a key that an older master key wrapped', async () => {
      const [old, active] = ['old', 'active'].map((id) => ({ id, key: randomBytes(32) }));
      const made = await new KeyRing(store, new MasterKeys([old!]), clock).findOrCreate(ada);
      const found = await new KeyRing(store, new MasterKeys([active!, old!]), clock).find(ada);
      expect(bytesOf(found)).toBe(bytesOf(made));
    });

    it('answers a page in the order asked, with one look-up for those it does not hold', async () => {
      const refs = ['a', 'b', 'c', 'd', 'e'].map((subject) => refOf(subject));
      const [a, b, c, d, e] = refs as [KeyRef, KeyRef, KeyRef, KeyRef, KeyRef];
      const made = await Promise.all([a, b, d].map((ref) => otherInstance().findOrCreate(ref)));
      await otherInstance().destroy(d);
      await ring.find(b);
      const page = (await ring.findMany([e, d, c, b, a, b])).map(bytesOf);
      const [keyA, keyB] = made.map(bytesOf);
      expect(page).toEqual(['none', 'erased', 'none', keyB, keyA, keyB]);
      expect(store.calls.findMany).toBe(1);
      expect(store.calls.find).toBe(1);
    });

    it('does not ask the store for a page it holds', async () => {
      await ring.findOrCreate(ada);
      await ring.findMany([ada, ada]);
      await ring.findMany([]);
      expect(store.calls).toMatchObject({ find: 0, findMany: 0 });
    });
  });

  describe('missing against erased', () => {
    it('takes a key that must be there and is not for an alarm, never for an erasure', async () => {
      await otherInstance().findOrCreate(ada);
      store.lose(ada);
      const failure = await ring.require(ada).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(KeyMissing);
      expect(failure).toBeInstanceOf(StoreUnavailable);
      expect(failure).toMatchObject({ name: 'KeyMissing', store: 'subject_keys', reason: 'absent', ref: ada });
    });

    it('answers erased where the fence stands, also where there never was a key', async () => {
      await ring.findOrCreate(ada);
      await ring.destroy(ada);
      await ring.destroy(refOf('bob'));
      for (const ref of [ada, refOf('bob')]) {
        expect(await otherInstance().require(ref)).toBe('erased');
        expect(await otherInstance().find(ref)).toBe('erased');
        expect(await otherInstance().findOrCreate(ref)).toBe('erased');
      }
    });

    it('answers the fingerprint of what it destroyed, to each who asks', async () => {
      const key = await ring.findOrCreate(ada);
      const fingerprint = fingerprintOf(Buffer.from(bytesOf(key), 'hex'));
      expect(await ring.destroy(ada)).toEqual({ fingerprint });
      expect(await ring.destroy(ada)).toEqual({ fingerprint });
      expect(await ring.destroy(refOf('bob'))).toEqual({});
    });

    it.each([
      ['has another fingerprint', () => ({ ...masterKeys.wrap(ada, randomBytes(32)), fingerprint: 'f'.repeat(64) })],
      ['was copied from another customer', () => masterKeys.wrap(refOf('bob'), randomBytes(32))],
      ['was copied from another life', () => masterKeys.wrap(refOf('ada', 2), randomBytes(32))],
      [
        'needs a master key that is not at hand',
        () => ({ ...masterKeys.wrap(ada, randomBytes(32)), masterKeyId: 'b' }),
      ],
    ])('raises the alarm for a stored key that %s', async (_, row) => {
      store.plant(ada, row());
      const alarm = { name: 'KeyMissing', reason: 'unreadable' };
      await expect(ring.find(ada)).rejects.toMatchObject(alarm);
      await expect(ring.findMany([refOf('x'), ada])).rejects.toMatchObject(alarm);
      await expect(ring.require(ada)).rejects.toMatchObject(alarm);
      await expect(ring.findOrCreate(ada)).rejects.toMatchObject(alarm);
    });

    it('passes on that the store is out of reach', async () => {
      store.outOfReach = true;
      for (const asked of [ring.find(ada), ring.findMany([ada]), ring.findOrCreate(ada), ring.destroy(ada)]) {
        const failure = await asked.catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(StoreUnavailable);
        expect(failure).not.toBeInstanceOf(KeyMissing);
      }
    });
  });

  describe('holding keys', () => {
    it('holds an answer for less than 5 s, however often it is used', async () => {
      await otherInstance().findOrCreate(ada);
      await ring.find(ada);
      for (const after of [1_000, 2_000, 1_999]) {
        clock.time += after;
        await ring.find(ada);
      }
      expect(store.calls.find).toBe(1);
      clock.time += 1;
      await ring.find(ada);
      expect(store.calls.find).toBe(2);
    });

    it('counts the age from the question, not from the answer', async () => {
      await otherInstance().findOrCreate(ada);
      const asked = ring.find(ada);
      clock.time += 4_000;
      await asked;
      clock.time += 1_000;
      await ring.find(ada);
      expect(store.calls.find).toBe(2);
    });

    it('sees a destruction by another instance within 5 s', async () => {
      await ring.findOrCreate(ada);
      await otherInstance().destroy(ada);
      clock.time += 5_000;
      expect(await ring.find(ada)).toBe('erased');
    });

    it('does not trust what it holds after the clock was set back', async () => {
      await ring.findOrCreate(ada);
      clock.time -= 1;
      await ring.find(ada);
      expect(store.calls.find).toBe(1);
    });

    it('holds an erasure, but never that there is no key', async () => {
      await otherInstance().destroy(ada);
      await ring.find(ada);
      await ring.find(ada);
      expect(store.calls.find).toBe(1);
      await ring.find(refOf('bob'));
      await ring.findMany([refOf('bob')]);
      expect(bytesOf(await otherInstance().findOrCreate(refOf('bob')))).toBe(bytesOf(await ring.find(refOf('bob'))));
    });

    it('never gives out a destroyed key again', async () => {
      await ring.findOrCreate(ada);
      await ring.destroy(ada);
      expect(await ring.find(ada)).toBe('erased');
      expect(await ring.findMany([ada])).toEqual(['erased']);
      expect(await ring.findOrCreate(ada)).toBe('erased');
    });

    it('asks the store again for what it was told to forget', async () => {
      await ring.findOrCreate(ada);
      await otherInstance().destroy(ada);
      ring.forget(ada);
      expect(await ring.find(ada)).toBe('erased');
    });

    it('asks the store again after a destruction whose outcome is unknown', async () => {
      await ring.findOrCreate(ada);
      store.outOfReach = true;
      await expect(ring.destroy(ada)).rejects.toThrow(StoreUnavailable);
      await expect(ring.find(ada)).rejects.toThrow(StoreUnavailable);
    });

    it.each(['find', 'findMany', 'findOrCreate'] as const)(
      'does not hold what an overtaken %s brings back after the destruction',
      async (method) => {
        await otherInstance().findOrCreate(ada);
        const late = new LateAnswers(store);
        ring = new KeyRing(late, masterKeys, clock);
        const asked = method === 'findMany' ? ring.findMany([ada]) : ring[method](ada);
        await late.answerRead;
        await ring.destroy(ada);
        late.deliver();
        await asked;
        expect(await ring.find(ada)).toBe('erased');
      },
    );

    it('holds 10,000 keys at most, the youngest', async () => {
      const refs = Array.from({ length: 10_001 }, (_, at) => refOf(`c${at}`));
      for (const ref of refs) await ring.findOrCreate(ref);
      await ring.findMany(refs.slice(1));
      expect(store.calls.findMany).toBe(0);
      await ring.findMany(refs.slice(0, 1));
      expect(store.calls.findMany).toBe(1);
    });
  });
});

/** Reads at once, as the real store would, and delivers the answer when told to. */
class LateAnswers extends InMemorySubjectKeys {
  private tellRead: () => void = () => undefined;
  readonly answerRead = new Promise<void>((resolve) => (this.tellRead = resolve));
  deliver: () => void = () => undefined;
  private readonly delivered = new Promise<void>((resolve) => (this.deliver = resolve));

  constructor(private readonly store: InMemorySubjectKeys) {
    super();
  }

  override find = async (ref: KeyRef): Promise<KeyState> => this.late(await this.store.find(ref));
  override findMany = async (refs: readonly KeyRef[]): Promise<readonly KeyState[]> =>
    this.late(await this.store.findMany(refs));
  override create = async (...key: Parameters<InMemorySubjectKeys['create']>): Promise<KeyState> =>
    this.late(await this.store.create(...key));
  override destroy = (ref: KeyRef) => this.store.destroy(ref);

  private async late<T>(answer: T): Promise<T> {
    this.tellRead();
    await this.delivered;
    return answer;
  }
}
