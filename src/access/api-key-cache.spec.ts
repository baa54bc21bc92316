import { TestClock } from '../../test/support/test-clock.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { ApiKeyCache } from './api-key-cache.js';
import { ApiKeys, type StoredApiKey } from './api-keys.js';
import { newApiKey } from './secrets.js';

/** A store that does as it is told. */
class ToldStore extends ApiKeys {
  readonly keys = new Map<string, StoredApiKey>();
  lookUps = 0;
  /** In place of the answer. */
  answer: (() => Promise<StoredApiKey | undefined>) | undefined;

  override findByHash(secretHash: string): Promise<StoredApiKey | undefined> {
    this.lookUps += 1;
    return this.answer === undefined ? Promise.resolve(this.keys.get(secretHash)) : this.answer();
  }
  override list = (): Promise<[]> => Promise.resolve([]);
  override add = (key: StoredApiKey): Promise<void> => Promise.resolve(void this.keys.set(key.secretHash, key));
  override addFirst = (): Promise<boolean> => Promise.resolve(false);
  override revoke = (): Promise<boolean> => Promise.resolve(false);
  override health = (): Promise<void> => Promise.resolve();

  make(): StoredApiKey {
    const { stored } = newApiKey({ name: 'a', scopes: ['customers:read'] }, 0);
    this.keys.set(stored.secretHash, stored);
    return stored;
  }
}

const down = (): Promise<never> => Promise.reject(new StoreUnavailable('api_keys'));
const hanging = (): Promise<never> => new Promise(() => undefined);

function deferred() {
  let resolve: (key: StoredApiKey) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<StoredApiKey>((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}

const turn = (): Promise<unknown> => new Promise((next) => setImmediate(next));

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

describe('the cache of API keys', () => {
  let clock: TestClock;
  let store: ToldStore;
  let cache: ApiKeyCache;
  let key: StoredApiKey;
  const find = (hash = key.secretHash): Promise<StoredApiKey | undefined> => cache.findByHash(hash);

  beforeEach(() => {
    clock = new TestClock();
    store = new ToldStore();
    cache = new ApiKeyCache(store, clock);
    key = store.make();
  });

  describe('while the store answers', () => {
    it('looks a key up once a second', async () => {
      for (let n = 0; n < 5; n += 1) expect(await find()).toEqual(key);
      clock.advance(999);
      expect(await find()).toEqual(key);
      expect(store.lookUps).toBe(1);
      clock.advance(1);
      expect(await find()).toEqual(key);
      expect(store.lookUps).toBe(2);
    });

    it('shows a revocation, and the end of a key, after a second', async () => {
      await find();
      store.keys.set(key.secretHash, { ...key, revokedAt: 5 });
      clock.advance(999);
      expect(await find()).toEqual(key);
      clock.advance(1);
      expect(await find()).toEqual({ ...key, revokedAt: 5 });
      store.keys.delete(key.secretHash);
      clock.advance(1_000);
      expect(await find()).toBeUndefined();
    });

    it('shows a new key at once: one that was not found is looked for each time', async () => {
      store.keys.clear();
      expect(await find()).toBeUndefined();
      expect(await find()).toBeUndefined();
      store.keys.set(key.secretHash, key);
      expect(await find()).toEqual(key);
      expect(store.lookUps).toBe(3);
    });

    it('asks once for all who ask at the same time, also while it asks again', async () => {
      for (const lookUps of [1, 2]) {
        expect(await Promise.all(Array.from({ length: 50 }, () => find()))).toEqual(Array(50).fill(key));
        expect(store.lookUps).toBe(lookUps);
        clock.advance(1_000);
      }
    });

    it('asks anew after the clock was set back', async () => {
      await find();
      clock.advance(-3_600_000);
      store.keys.delete(key.secretHash);
      expect(await find()).toBeUndefined();
    });

    it('never keeps more than 10,000 keys, and gives up those that were used longest ago', async () => {
      await find();
      const others = Array.from({ length: 10_000 }, () => store.make());
      for (const other of others.slice(0, 9_999)) await find(other.secretHash);
      await find();
      await find(others[9_999]?.secretHash);
      const before = store.lookUps;
      await find();
      await find(others[1]?.secretHash);
      expect(store.lookUps).toBe(before);
      await find(others[0]?.secretHash);
      expect(store.lookUps).toBe(before + 1);
    });
  });

  describe.each([
    ['refuses', down],
    ['hangs', hanging],
  ])('while the store %s', (_, outage) => {
    it('keeps a key going for 60 s, and no longer', async () => {
      await find();
      store.answer = outage;
      clock.advance(59_999);
      expect(await find()).toEqual(key);
      clock.advance(1);
      await expect(find()).rejects.toMatchObject({ name: 'StoreUnavailable', store: 'api_keys' });
    });

    it('does not pretend to know a key it never saw, and does not hang', async () => {
      store.answer = outage;
      expect(await msOf(() => expect(find()).rejects.toThrow(StoreUnavailable))).toBeLessThan(4_000);
    });

    it('goes on refusing a key that was revoked, and one that is gone', async () => {
      store.keys.set(key.secretHash, { ...key, revokedAt: 5 });
      await find();
      const gone = store.make();
      await find(gone.secretHash);
      store.keys.delete(gone.secretHash);
      clock.advance(1_000);
      expect(await find(gone.secretHash)).toBeUndefined();
      store.answer = outage;
      expect(await find()).toMatchObject({ revokedAt: 5 });
      await expect(find(gone.secretHash)).rejects.toThrow(StoreUnavailable);
    });
  });

  it('notices at once that it answers again', async () => {
    await find();
    clock.advance(1_000);
    store.answer = down;
    expect(await find()).toEqual(key);
    store.answer = undefined;
    store.keys.set(key.secretHash, { ...key, revokedAt: 5 });
    expect(await find()).toMatchObject({ revokedAt: 5 });
  });

  it('waits 300 ms for a slow store, once for all, and then takes what it answers in the end', async () => {
    await find();
    clock.advance(1_000);
    const settle = deferred();
    store.answer = () => settle.promise;
    const first = await msOf(() => find());
    expect(first).toBeGreaterThan(250);
    expect(first).toBeLessThan(1_500);
    expect(await msOf(() => find())).toBeLessThan(250);
    expect(store.lookUps).toBe(2);
    settle.resolve({ ...key, revokedAt: 5 });
    await settle.promise;
    while ((await find())?.revokedAt === undefined) await turn();
    expect(store.lookUps).toBe(2);
  });

  it('lets no refusal of the store go unhandled when nobody waits for it any longer', async () => {
    await find();
    clock.advance(1_000);
    const settle = deferred();
    store.answer = () => settle.promise;
    expect(await find()).toEqual(key);
    const unhandled: unknown[] = [];
    const note = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', note);
    settle.reject(new StoreUnavailable('api_keys'));
    // Rejections that nobody handles are told between two turns of the event loop.
    for (let n = 0; n < 3; n += 1) await turn();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(await find()).toEqual(key);
  });

  it('hides no fault of another kind', async () => {
    await find();
    clock.advance(1_000);
    store.answer = () => Promise.reject(new TypeError('a bug'));
    await expect(find()).rejects.toThrow(TypeError);
  });
});
