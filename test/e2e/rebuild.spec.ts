import { CustomerProjection } from '../../src/customers/read-model/customer-projection.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import { EmailIndexing } from '../../src/customers/read-model/email-indexing.js';
import { rebuildViews } from '../../src/customers/read-model/rebuild.js';
import { canonicalJson } from '../../src/event-sourcing/canonical-json.js';
import { KeyMissing, KeyRing } from '../../src/privacy/key-ring.js';
import { MasterKeys } from '../../src/privacy/master-keys.js';
import { InMemorySubjectKeys } from '../support/in-memory-subject-keys.js';
import { scale } from '../support/scale.js';
import { viewsWithoutIndexes, viewsOnServer } from '../support/servers.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** An instance on MongoDB looks once a second which generation is live. */
const settleMs = viewsOnServer ? 2_000 : 20;

let app: TestApp;

beforeEach(async () => {
  app = await startTestApp();
});
afterEach(async () => {
  await app.close();
});

const send = async (method: string, url: string, body?: unknown): Promise<{ status: number; text: string }> => {
  const answer = await app.request({ method, url, ...(body !== undefined && { body }) });
  return { status: answer.statusCode, text: answer.body };
};

function rebuild(keys: KeyRing = app.privacy.keys, onProgress: (fraction: number) => void = () => undefined) {
  const { eventStore, customerViews, checkpoints } = app.stores;
  return rebuildViews({
    store: eventStore,
    views: customerViews,
    checkpoints,
    projectionInto: (generation) =>
      new CustomerProjection(eventStore, customerViews, keys, new EmailIndexing(app.privacy.secrets), generation),
    onProgress: ({ fraction }) => {
      onProgress(fraction);
    },
    settleMs,
  });
}

async function allViews(ids: readonly string[]): Promise<readonly (CustomerView | undefined)[]> {
  const found = await app.stores.customerViews.getMany(ids);
  return ids.map((id) => found.get(id));
}

const bytesOf = (view: CustomerView | undefined): string => canonicalJson(view ?? null);

describe('a rebuild', () => {
  it('from nothing makes the very views that stand, erased and deleted customers among them', async () => {
    const ids = Array.from({ length: 100 }, (_, n) => `c${String(n)}`);
    for (const [n, id] of ids.entries()) {
      await send('POST', '/customers', { id, email: `${id}@example.com`, metadata: { n } });
      await send('POST', `/customers/${id}`, { locale: 'en_US', email: `${id}.new@example.com` });
      if (n % 10 === 0) await send('POST', `/customers/${id}/erasure`);
      if (n % 10 === 2) await send('POST', `/customers/${id}`, { requestToBeForgotten: true });
      if (n % 20 === 2) await send('PUT', `/customers/${id}/legal-hold`);
      if (n % 10 === 1) await send('DELETE', `/customers/${id}`);
      if (n % 20 === 1) await send('POST', '/customers', { id, email: 'again@example.com' });
    }
    await app.settled();
    const before = await allViews(ids);
    const fractions: number[] = [];
    await rebuild(app.privacy.keys, (fraction) => fractions.push(fraction));
    const after = await allViews(ids);
    expect(after).toEqual(before);
    expect(after.map(bytesOf)).toEqual(before.map(bytesOf));
    expect(after.filter((view) => view?.status === 'erased')).toHaveLength(10);
    expect(fractions.at(-1)).toBe(1);
    const found = await send('GET', '/customers?email=C7.NEW@example.com');
    expect(JSON.parse(found.text)).toMatchObject({ data: [{ id: 'c7' }] });
  });

  it('switches while writes go on: no request fails, and each write is seen by the next read', async () => {
    const { names, rounds } = (await viewsWithoutIndexes())
      ? { names: ['a', 'b'], rounds: 1 }
      : { names: ['a', 'b', 'c', 'd'], rounds: 3 };
    await send('POST', '/customers', { id: 'first' });
    let rebuilding = true;
    const writer = async (name: string): Promise<number> => {
      let written = 0;
      for (; rebuilding || written < scale(50, 500); written += 1) {
        const id = `${name}-${String(written)}`;
        expect(await send('POST', '/customers', { id, email: `${id}@example.com` })).toMatchObject({ status: 201 });
        const updated = await send('POST', `/customers/${id}`, { metadata: { at: written } });
        expect(await send('GET', `/customers/${id}`)).toEqual(updated);
        if (written % 5 === 0) {
          expect((await send('DELETE', `/customers/${id}`)).status).toBe(204);
          expect((await send('GET', `/customers/${id}`)).status).toBe(404);
        }
      }
      return written;
    };
    const writers = names.map(writer);
    const generation = (await app.stores.customerViews.generations()).live;
    for (let round = 0; round < rounds; round += 1) await rebuild();
    rebuilding = false;
    await Promise.all(writers);
    expect(await app.stores.customerViews.generations()).toEqual({ live: generation + rounds });
  });

  it('has every write go to the generation under construction too, up to the moment of the switch', async () => {
    await send('POST', '/customers', { id: 'first', email: 'first@example.com' });
    const { customerViews } = app.stores;
    const goLive = customerViews.goLive.bind(customerViews);
    customerViews.goLive = async (generation) => {
      await send('POST', '/customers', { id: 'late', email: 'late@example.com' });
      await send('DELETE', '/customers/first');
      const built = await customerViews.getMany(['first', 'late'], generation);
      expect([...built.values()].map(({ id, status }) => [id, status]).sort()).toEqual([
        ['first', 'deleted'],
        ['late', 'active'],
      ]);
      await goLive(generation);
    };
    await rebuild();
    expect((await send('GET', '/customers/late')).status).toBe(200);
    expect((await send('GET', '/customers/first')).status).toBe(404);
  });

  it('stops at a key that is gone without an erasure, and leaves the live views as they are', async () => {
    await send('POST', '/customers', { id: 'c1', email: 'c1@example.com' });
    const before = await app.stores.customerViews.generations();
    const masterKeys = new MasterKeys([{ id: 'test', key: new Uint8Array(32) }]);
    await expect(rebuild(new KeyRing(new InMemorySubjectKeys(), masterKeys, app.clock))).rejects.toBeInstanceOf(
      KeyMissing,
    );
    expect(await app.stores.customerViews.generations()).toEqual(before);
    expect((await send('GET', '/customers/c1')).status).toBe(200);
  });
});
