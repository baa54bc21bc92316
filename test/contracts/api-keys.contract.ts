import { randomBytes, randomUUID } from 'node:crypto';
import type { ApiKeys, StoredApiKey } from '../../src/access/api-keys.js';
import { anotherOf, type Harness } from './harness.js';

const aKey = (fields: Partial<StoredApiKey> = {}): StoredApiKey => ({
  id: randomUUID(),
  name: 'Läden & Söhne',
  scopes: ['customers:read', 'events:read.pii'],
  createdAt: Date.UTC(2026, 0, 1),
  secretHash: randomBytes(32).toString('hex'),
  ...fields,
});

/** What every ApiKeys promises. @param shared whether other processes can open the same keys */
export function describeApiKeys(name: string, makeKeys: () => Promise<Harness<ApiKeys>>, shared = true): void {
  describe(`ApiKeys: ${name}`, () => {
    let harness: Harness<ApiKeys>;
    let keys: ApiKeys;

    beforeEach(async () => {
      harness = await makeKeys();
      keys = harness.port;
    });
    afterEach(() => harness.close());

    it('finds a key by the hash of its secret, as it was added', async () => {
      const plain = aKey();
      const whole = aKey({ expiresAt: Date.UTC(2027, 0, 1), revokedAt: Date.UTC(2026, 5, 1), scopes: ['admin'] });
      const bare = aKey({ scopes: [], name: '' });
      for (const key of [plain, whole, bare]) await keys.add(key);
      for (const key of [plain, whole, bare]) expect(await keys.findByHash(key.secretHash)).toEqual(key);
    });

    it('finds nothing by another hash', async () => {
      const { secretHash } = aKey();
      await keys.add(aKey());
      expect(await keys.findByHash(secretHash)).toBeUndefined();
      expect(await keys.findByHash('')).toBeUndefined();
    });

    it('lists all, the oldest first', async () => {
      expect(await keys.list()).toEqual([]);
      const [young, old, revoked] = [
        aKey({ createdAt: 3 }),
        aKey({ createdAt: 1 }),
        aKey({ createdAt: 2, revokedAt: 4 }),
      ];
      for (const key of [young, old, revoked]) await keys.add(key);
      expect(await keys.list()).toEqual([old, revoked, young]);
    });

    it.each(['id', 'secretHash'] as const)('refuses a second key with the same %s, and nothing else', async (field) => {
      const key = aKey();
      const alike = aKey({ [field]: key[field] });
      await keys.add(key);
      const [refused, added] = await Promise.allSettled([keys.add(alike), keys.add(aKey())]);
      expect([refused.status, added.status]).toEqual(['rejected', 'fulfilled']);
      expect(await keys.findByHash(key.secretHash)).toEqual(key);
      expect(await keys.list()).toHaveLength(2);
    });

    it('adds a first key once, also when many try', async () => {
      const offered = Array.from({ length: 10 }, () => aKey());
      const added = await Promise.all(offered.map((key) => keys.addFirst(key)));
      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await keys.list()).toEqual([offered[added.indexOf(true)]]);
      expect(await keys.addFirst(aKey())).toBe(false);
    });

    it('adds no first key where there are others, also revoked ones', async () => {
      await keys.add(aKey({ revokedAt: 1 }));
      expect(await keys.addFirst(aKey())).toBe(false);
      expect(await keys.list()).toHaveLength(1);
    });

    it('revokes a key once, at the time given', async () => {
      const key = aKey();
      await keys.add(key);
      await keys.add(aKey());
      expect(await keys.revoke(key.id, 5)).toBe(true);
      expect(await keys.revoke(key.id, 9)).toBe(false);
      expect(await keys.findByHash(key.secretHash)).toEqual({ ...key, revokedAt: 5 });
      expect((await keys.list()).filter(({ revokedAt }) => revokedAt !== undefined)).toHaveLength(1);
    });

    it('cannot revoke a key that is not there', async () => {
      expect(await keys.revoke(randomUUID(), 5)).toBe(false);
    });

    it('is healthy', () => expect(keys.health()).resolves.toBeUndefined());

    if (!shared) return;
    it('shows another process at once what was added and revoked', async () => {
      const other = await anotherOf(harness);
      const key = aKey();
      await other.add(key);
      expect(await keys.findByHash(key.secretHash)).toEqual(key);
      expect(await other.revoke(key.id, 7)).toBe(true);
      expect(await keys.findByHash(key.secretHash)).toMatchObject({ revokedAt: 7 });
    });
  });
}
