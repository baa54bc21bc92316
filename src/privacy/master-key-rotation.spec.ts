import { randomBytes } from 'node:crypto';
import { InMemorySubjectKeys } from '../../test/support/in-memory-subject-keys.js';
import { masterKeyUse, rotate } from './master-key-rotation.js';
import { KEY_BYTES, MasterKeys } from './master-keys.js';
import { loadServiceSecrets } from './service-secrets.js';
import type { KeyPurpose, KeyRef, WrappedKey } from './subject-keys.js';

const masterKey = (id: string) => ({ id, key: randomBytes(KEY_BYTES) });
const [OLD, NEW, LOST] = [masterKey('old'), masterKey('new'), masterKey('lost')];
const CUSTOMERS = 230;
const life = (n: number): KeyRef => ({ subject: `c${String(n)}`, revision: 1 });

describe('A rotation of the master key', () => {
  const before = new MasterKeys([OLD]);
  const during = new MasterKeys([NEW, OLD]);
  const after = new MasterKeys([NEW]);
  let store: Watched;
  let plain: readonly Uint8Array[];

  beforeEach(async () => {
    store = new Watched();
    plain = Array.from({ length: CUSTOMERS }, () => randomBytes(KEY_BYTES));
    for (const [n, key] of plain.entries()) await store.create(life(n), before.wrap(life(n), key));
  });

  async function expectAllOpen(except: readonly number[] = []): Promise<void> {
    for (const [n, key] of plain.entries()) {
      const state = await store.find(life(n));
      if (except.includes(n)) expect(state.status).toBe('erased');
      else expect(state.status === 'active' && after.unwrap(life(n), state)).toEqual(key);
    }
  }

  it('leaves the same keys and secrets, all opened by the new master key alone', async () => {
    const secrets = await loadServiceSecrets(store, before);
    expect(await rotate(store, during)).toEqual({ rewrapped: CUSTOMERS + 4, overtaken: 0, unopened: 0 });
    await expectAllOpen();
    expect(await loadServiceSecrets(store, after)).toEqual(secrets);
    expect(await masterKeyUse(store, during)).toEqual([
      { id: 'new', state: 'active', count: CUSTOMERS + 4 },
      { id: 'old', state: 'old', count: 0 },
    ]);
  });

  it('takes up where an ended one left off, and does nothing when all is done', async () => {
    store.onRewrap = (count) => {
      if (count === 100) store.outOfReach = true;
    };
    await expect(rotate(store, during)).rejects.toThrow('out of reach');
    store.outOfReach = false;
    store.onRewrap = undefined;
    const done = CUSTOMERS - ((await store.countByMasterKey()).get('old') ?? 0);
    expect(done).toBeGreaterThan(0);
    expect((await rotate(store, during)).rewrapped).toBe(CUSTOMERS - done);
    await expectAllOpen();
    expect(await rotate(store, during)).toEqual({ rewrapped: 0, overtaken: 0, unopened: 0 });
  });

  it('never brings back a key that is destroyed between its reading and its writing', async () => {
    const destroyed = [3, 50, 99, 229];
    store.beforeRewrap = async (purpose) => {
      if ('subject' in purpose && destroyed.some((n) => life(n).subject === purpose.subject))
        await store.destroy(purpose);
    };
    expect(await rotate(store, during)).toEqual({ rewrapped: CUSTOMERS - 4, overtaken: 4, unopened: 0 });
    await expectAllOpen(destroyed);
  });

  it('destroys again, and never wraps anew, a destroyed key whose row was copied back', async () => {
    const row = await store.find(life(7));
    await store.destroy(life(7));
    if (row.status === 'active') store.plant(life(7), row);
    expect(await rotate(store, during)).toEqual({ rewrapped: CUSTOMERS - 1, overtaken: 1, unopened: 0 });
    await expectAllOpen([7]);
    expect((await store.notWrappedBy('', 1_000)).keys).toHaveLength(CUSTOMERS - 1);
    expect((await store.countByMasterKey()).get('old')).toBeUndefined();
  });

  it('holds no more than a page at once, and tells how far it is', async () => {
    const progress: number[] = [];
    await rotate(store, during, (done) => progress.push(done));
    expect(store.largestPage).toBeLessThanOrEqual(50);
    expect(progress).toEqual([50, 100, 150, 200, 230, 230]);
  });

  it('leaves alone what it can not open, and says how many those are', async () => {
    const lost = new MasterKeys([LOST]);
    const damaged = before.wrap(life(1001), randomBytes(KEY_BYTES));
    await store.create(life(1000), lost.wrap(life(1000), randomBytes(KEY_BYTES)));
    await store.create(life(1001), { ...damaged, wrapped: Uint8Array.from(damaged.wrapped).fill(1, 20, 21) });
    expect(await rotate(store, during)).toEqual({ rewrapped: CUSTOMERS, overtaken: 0, unopened: 2 });
    expect(await masterKeyUse(store, during)).toEqual([
      { id: 'new', state: 'active', count: CUSTOMERS },
      { id: 'old', state: 'old', count: 1 },
      { id: 'lost', state: 'unknown', count: 1 },
    ]);
  });
});

/** Lets a test look at, and step between, the calls of a rotation. */
class Watched extends InMemorySubjectKeys {
  largestPage = 0;
  rewraps = 0;
  beforeRewrap: ((purpose: KeyPurpose) => Promise<unknown>) | undefined;
  onRewrap: ((count: number) => void) | undefined;

  override async notWrappedBy(...args: Parameters<InMemorySubjectKeys['notWrappedBy']>) {
    const page = await super.notWrappedBy(...args);
    this.largestPage = Math.max(this.largestPage, page.keys.length);
    return page;
  }

  override async rewrap(purpose: KeyPurpose, standing: WrappedKey, rewrapped: WrappedKey): Promise<boolean> {
    this.rewraps += 1;
    this.onRewrap?.(this.rewraps);
    await this.beforeRewrap?.(purpose);
    return super.rewrap(purpose, standing, rewrapped);
  }
}
