import { randomBytes, randomUUID } from 'node:crypto';
import type { KeyRef, SubjectKeys, WrappedKey } from '../../src/privacy/subject-keys.js';
import { scale } from '../support/scale.js';
import { anotherOf, type Harness } from './harness.js';

export const aKey = (masterKeyId = 'm1'): WrappedKey => ({
  masterKeyId,
  wrapped: Uint8Array.from(randomBytes(60)),
  fingerprint: randomBytes(32).toString('hex'),
});

/** @param putBack writes a row as it was, past the store */
export type KeysHarness = Harness<SubjectKeys> & { putBack(ref: KeyRef, key: WrappedKey): Promise<void> };

/** What every SubjectKeys promises. @param shared whether other processes can open the same keys */
export function describeSubjectKeys(name: string, makeKeys: () => Promise<KeysHarness>, shared = true): void {
  describe(`SubjectKeys: ${name}`, () => {
    let harness: KeysHarness;
    let keys: SubjectKeys;
    let subject: string;

    beforeEach(async () => {
      harness = await makeKeys();
      keys = harness.port;
      subject = randomUUID();
    });
    afterEach(() => harness.close());

    const life = (revision: number): KeyRef => ({ subject, revision });

    it('knows no key that was not made', async () => {
      expect(await keys.find(life(1))).toEqual({ status: 'none' });
    });

    it('gives a key back as it was made', async () => {
      const key = aKey();
      expect(await keys.create(life(1), key)).toEqual({ status: 'active', ...key });
      expect(await keys.find(life(1))).toEqual({ status: 'active', ...key });
    });

    it('keeps bytes of every value', async () => {
      const key = { ...aKey(), wrapped: Uint8Array.from({ length: 256 }, (_, byte) => byte) };
      await keys.create(life(1), key);
      expect(await keys.find(life(1))).toEqual({ status: 'active', ...key });
    });

    it('keeps the first key when another is made', async () => {
      const key = aKey();
      await keys.create(life(1), key);
      expect(await keys.create(life(1), aKey())).toEqual({ status: 'active', ...key });
      expect(await keys.find(life(1))).toEqual({ status: 'active', ...key });
    });

    it('gives all racing creators the same key, which is of one of them', async () => {
      const offered = Array.from({ length: 20 }, () => aKey());
      const states = await Promise.all(offered.map((key) => keys.create(life(1), key)));
      expect(new Set(states.map((state) => JSON.stringify(state))).size).toBe(1);
      expect(offered.map((key) => ({ status: 'active', ...key }))).toContainEqual(states[0]);
    });

    it('keeps lives and subjects apart', async () => {
      const [one, two, three] = [aKey(), aKey(), aKey()];
      await keys.create(life(1), one);
      await keys.create(life(2), two);
      await keys.create({ subject: `${subject}1`, revision: 1 }, three);
      await keys.destroy(life(1));
      expect(await keys.find(life(2))).toEqual({ status: 'active', ...two });
      expect(await keys.find({ subject: `${subject}1`, revision: 1 })).toEqual({ status: 'active', ...three });
    });

    it('finds many in the order asked, the missing, the erased and the repeated too', async () => {
      const key = aKey();
      const erased = aKey();
      await keys.create(life(3), key);
      await keys.create(life(2), erased);
      await keys.destroy(life(2));
      expect(await keys.findMany([life(2), life(3), life(1), life(3)])).toEqual([
        { status: 'erased', fingerprint: erased.fingerprint },
        { status: 'active', ...key },
        { status: 'none' },
        { status: 'active', ...key },
      ]);
      expect(await keys.findMany([])).toEqual([]);
    });

    it('finds a whole page at once', async () => {
      const made = Array.from({ length: 250 }, (_, n) => ({
        ref: { subject: `${subject}-${n}`, revision: 1 },
        key: aKey(),
      }));
      // Some at a time: all at once, a busy server keeps the last of them waiting past their time.
      for (let at = 0; at < made.length; at += 5)
        await Promise.all(made.slice(at, at + 5).map(({ ref, key }) => keys.create(ref, key)));
      const found = await keys.findMany(made.map(({ ref }) => ref));
      expect(found).toEqual(made.map(({ key }) => ({ status: 'active', ...key })));
    });

    it('destroys a key and leaves its fingerprint behind the fence', async () => {
      const key = aKey();
      await keys.create(life(1), key);
      expect(await keys.destroy(life(1))).toEqual({ fingerprint: key.fingerprint });
      expect(await keys.find(life(1))).toEqual({ status: 'erased', fingerprint: key.fingerprint });
    });

    it('answers the same when a key is destroyed again', async () => {
      const key = aKey();
      await keys.create(life(1), key);
      const answers = await Promise.all([1, 2, 3].map(() => keys.destroy(life(1))));
      expect(answers).toEqual(Array(3).fill({ fingerprint: key.fingerprint }));
      expect(await keys.destroy(life(1))).toEqual({ fingerprint: key.fingerprint });
    });

    it('puts up the fence also where there was no key', async () => {
      expect(await keys.destroy(life(1))).toEqual({});
      expect(await keys.find(life(1))).toEqual({ status: 'erased' });
      expect(await keys.destroy(life(1))).toEqual({});
    });

    it('makes no key behind the fence', async () => {
      const key = aKey();
      await keys.create(life(1), key);
      await keys.destroy(life(1));
      await keys.destroy(life(2));
      expect(await keys.create(life(1), key)).toEqual({ status: 'erased', fingerprint: key.fingerprint });
      expect(await keys.create(life(2), aKey())).toEqual({ status: 'erased' });
      expect(await keys.find(life(1))).toMatchObject({ status: 'erased' });
    });

    it('refuses a destroyed key whose row was copied back, by its fingerprint, and destroys it again', async () => {
      const [gone, never, standing] = [aKey(), aKey(), aKey()];
      await keys.create(life(1), gone);
      await keys.destroy(life(1));
      await keys.create(life(2), never);
      await harness.putBack(life(1), gone);
      // A row that merely comes back is no copy of one that was destroyed.
      await harness.putBack(life(2), standing);
      const erased = { status: 'erased', fingerprint: gone.fingerprint };
      expect(await keys.find(life(1))).toEqual(erased);
      expect(await keys.findMany([life(1), life(2)])).toEqual([erased, { status: 'active', ...standing }]);
      expect(await keys.create(life(1), aKey())).toEqual(erased);
      expect(await keys.destroy(life(1))).toEqual({ fingerprint: gone.fingerprint });
      expect(await keys.find(life(1))).toEqual(erased);
    });

    it('lets no key stand when making and destroying race', async () => {
      for (let n = 1; n <= 20; n += 1) {
        const key = aKey();
        const [made] = await Promise.all([
          keys.create(life(n), key),
          keys.destroy(life(n)),
          keys.create(life(n), aKey()),
        ]);
        expect(['active', 'erased']).toContain(made.status);
        expect((await keys.find(life(n))).status).toBe('erased');
      }
    });

    it('opens the next life with a key of its own', async () => {
      await keys.create(life(1), aKey());
      await keys.destroy(life(1));
      const next = aKey();
      expect(await keys.create(life(2), next)).toEqual({ status: 'active', ...next });
    });

    it('makes a secret once and answers the one that stands', async () => {
      const [offered, later] = [aKey(), aKey()];
      const own = `secret-${subject}`;
      expect(await keys.secret(own, offered)).toEqual(offered);
      expect(await keys.secret(own, later)).toEqual(offered);
      expect(await keys.secret(`${own}2`, later)).toEqual(later);
      const racing = await Promise.all([1, 2, 3].map(() => keys.secret(`${own}3`, aKey())));
      expect(new Set(racing.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    });

    it('does not share its memory with the caller', async () => {
      const key = aKey();
      const before = Uint8Array.from(key.wrapped);
      const state = await keys.create(life(1), key);
      key.wrapped.fill(0);
      if (state.status === 'active') state.wrapped.fill(0);
      expect(await keys.find(life(1))).toMatchObject({ wrapped: before });
    });

    describe('rewrapping', () => {
      const masterKey = (n: number): string => `${subject}-${n}`;
      /** All that is not wrapped by it, of this test: by its own names. */
      const collect = async (masterKeyId: string, limit: number): Promise<[string, string][]> => {
        const found: [string, string][] = [];
        for (let after: string | undefined; ;) {
          const page = await keys.notWrappedBy(masterKeyId, limit, after);
          for (const { purpose, key } of page.keys) {
            const whose = 'secret' in purpose ? purpose.secret : `${purpose.subject} ${purpose.revision}`;
            if (whose.startsWith(subject)) found.push([whose, key.masterKeyId]);
          }
          after = page.next;
          if (after === undefined) return found.sort();
        }
      };

      it('gives page by page what another master key wraps: secrets and living keys, no fences', async () => {
        const [old, active] = [masterKey(1), masterKey(2)];
        await keys.secret(`${subject} secret`, aKey(old));
        await keys.secret(`${subject} other`, aKey(active));
        for (let n = 1; n <= 7; n += 1) await keys.create(life(n), aKey(n === 4 ? active : old));
        await keys.destroy(life(5));
        await keys.destroy(life(8));
        const expected = [1, 2, 3, 6, 7].map((n) => [`${subject} ${n}`, old]);
        for (const limit of [1, 2, 100]) {
          expect(await collect(active, limit)).toEqual([...expected, [`${subject} secret`, old]]);
        }
      });

      it('exchanges the wrapping of a key and of a secret, and nothing else of them', async () => {
        const [one, two] = [aKey(masterKey(1)), aKey(masterKey(2).padEnd(64, '2').slice(0, 64))];
        const secret = `secret-${subject}`;
        await keys.create(life(1), one);
        await keys.secret(secret, one);
        const rewrapped = { ...two, fingerprint: one.fingerprint };
        expect(await keys.rewrap(life(1), one, rewrapped)).toBe(true);
        expect(await keys.rewrap({ secret }, one, rewrapped)).toBe(true);
        expect(await keys.find(life(1))).toEqual({ status: 'active', ...rewrapped });
        expect(await keys.secret(secret, aKey())).toEqual(rewrapped);
        expect(await keys.destroy(life(1))).toEqual({ fingerprint: one.fingerprint });
      });

      it('leaves no row of a destroyed key that was copied back, once that is destroyed again', async () => {
        const gone = aKey(masterKey(1));
        await keys.create(life(1), gone);
        await keys.destroy(life(1));
        await harness.putBack(life(1), gone);
        expect(await collect(masterKey(2), 100)).toEqual([[`${subject} 1`, masterKey(1)]]);
        await keys.destroy(life(1));
        expect(await collect(masterKey(2), 100)).toEqual([]);
        expect((await keys.countByMasterKey()).get(masterKey(1))).toBeUndefined();
      });

      it('changes nothing where the key does not stand as it was read', async () => {
        const [standing, other] = [aKey(masterKey(1)), aKey(masterKey(1))];
        const secret = `secret-${subject}`;
        await keys.create(life(1), standing);
        await keys.secret(secret, standing);
        for (const purpose of [life(1), { secret }]) {
          expect(await keys.rewrap(purpose, other, aKey(masterKey(2)))).toBe(false);
        }
        expect(await keys.find(life(1))).toEqual({ status: 'active', ...standing });
        expect(await keys.secret(secret, aKey())).toEqual(standing);
      });

      it('never brings back a destroyed key, nor makes one', async () => {
        const key = aKey(masterKey(1));
        await keys.create(life(1), key);
        await keys.destroy(life(1));
        await keys.destroy(life(2));
        for (const n of [1, 2, 3]) expect(await keys.rewrap(life(n), key, aKey(masterKey(2)))).toBe(false);
        expect(await keys.rewrap({ secret: `none-${subject}` }, key, aKey(masterKey(2)))).toBe(false);
        const states = (await keys.findMany([life(1), life(2), life(3)])).map(({ status }) => status);
        expect(states).toEqual(['erased', 'erased', 'none']);
      });

      it('lets no key stand when rewrapping and destroying race', async () => {
        for (let n = 1; n <= 10; n += 1) {
          const key = aKey(masterKey(1));
          await keys.create(life(n), key);
          const rewrapped = aKey(masterKey(2));
          await Promise.all([keys.rewrap(life(n), key, rewrapped), keys.destroy(life(n))]);
          expect((await keys.find(life(n))).status).toBe('erased');
        }
      });

      it('of racing rewrappings one takes effect', async () => {
        const key = aKey(masterKey(1));
        await keys.create(life(1), key);
        const taken = await Promise.all([2, 3, 4].map((n) => keys.rewrap(life(1), key, aKey(masterKey(n)))));
        expect(taken.filter(Boolean)).toHaveLength(1);
      });

      it('counts living keys and secrets by their master key', async () => {
        const [one, two] = [masterKey(1), masterKey(2)];
        await keys.secret(`secret-${subject}`, aKey(one));
        for (let n = 1; n <= 5; n += 1) await keys.create(life(n), aKey(n <= 3 ? one : two));
        await keys.destroy(life(1));
        const counts = await keys.countByMasterKey();
        expect([counts.get(one), counts.get(two), counts.get(masterKey(3))]).toEqual([3, 2, undefined]);
      });
    });

    it('is healthy', () => expect(keys.health()).resolves.toBeUndefined());

    if (!shared) return;
    it('is destroyed for good, also when another process makes it at the same time', async () => {
      const other = await anotherOf(harness);
      for (let n = 1; n <= scale(10, 200); n += 1) {
        const key = aKey();
        const [made, destroyed] = await Promise.all([keys.create(life(n), key), other.destroy(life(n))]);
        const fingerprint = made.status === 'active' ? key.fingerprint : undefined;
        // Made before the fence, or not at all.
        expect([destroyed.fingerprint, (await keys.find(life(n))).status]).toEqual([fingerprint, 'erased']);
        const named = [keys, other].map((one) => one.secret(`secret-${subject}-${n}`, aKey()));
        const [first, second] = await Promise.all(named);
        expect(first).toEqual(second);
      }
    });

    it('shows another process the keys and the fence at once, and races with it are won by one', async () => {
      const other = await anotherOf(harness);
      for (let n = 1; n <= 10; n += 1) {
        const [mine, theirs] = await Promise.all([keys.create(life(n), aKey()), other.create(life(n), aKey())]);
        expect(mine).toEqual(theirs);
        await other.destroy(life(n));
        expect((await keys.find(life(n))).status).toBe('erased');
        expect((await keys.create(life(n), aKey())).status).toBe('erased');
      }
    });
  });
}
