import { SystemClock } from '../../src/event-sourcing/clock.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import type { CloudEvent } from '../../src/subscribers/cloud-event.js';
import { authorizationFor, feedPage, wholeFeed } from '../support/event-readers.js';
import { StreamClient } from '../support/event-stream-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { watching } from '../support/watched.js';

const EMAIL = 'jane.canary@example.com';

/** The key is not destroyed: the log alone tells that the life is over, and the key would still open everything. */
describe('After an erasure that no follower has finished', () => {
  let app: TestApp;
  let lookUps = 0;
  beforeEach(async () => {
    app = await startTestApp({
      clock: new SystemClock(),
      wrap: (stores) => ({
        ...stores,
        subjectKeys: watching(
          watching(stores.subjectKeys, 'findMany', () => (lookUps += 1)),
          'destroy',
          () => {
            throw new StoreUnavailable('subject_keys');
          },
        ),
      }),
    });
  });
  afterEach(() => app.close());

  const post = async (url: string, body: unknown): Promise<void> => {
    const { statusCode, body: text } = await app.request({ method: 'POST', url, body });
    if (statusCode >= 300) throw new Error(text);
  };
  const remove = async (id: string): Promise<void> => {
    expect((await app.request({ method: 'DELETE', url: `/customers/${id}` })).statusCode).toBe(204);
  };
  const erasedFields = (events: readonly CloudEvent[]): unknown[] => events.flatMap(({ data }) => data.erased ?? []);

  it('no page of the feed holds a value, also one that ends before the erasure', async () => {
    for (const id of ['c1', 'c2']) await post('/customers', { id, email: EMAIL });
    expect((await feedPage(app, { limit: 1 })).data[0]?.data).toMatchObject({ email: EMAIL });
    await remove('c1');
    const [first, second] = await wholeFeed(app, { limit: 1 });
    expect(first?.data).toEqual({
      customerId: 'c1',
      enabled: true,
      requestToBeForgotten: false,
      erased: ['email'],
    });
    expect(second?.data).toMatchObject({ email: EMAIL });
  });

  it('no stream tells a value, whether its reader comes anew or was behind', async () => {
    const { hostname, port } = new URL(await app.listen());
    const options = { url: `http://${hostname}:${port}`, authorization: `Bearer ${app.secret}` };
    const behind = new StreamClient(options);
    await behind.until('the stream has begun', ({ bytes }) => bytes > 0);
    behind.pause();
    const filling = Object.fromEntries(Array.from({ length: 19 }, (_, n) => [`k${n}`, '\u{1f9fe}'.repeat(480)]));
    // More than the sockets between take: so much is still held back here when the customer is deleted.
    for (let n = 0; n < 100; n += 1) {
      await Promise.all(Array.from({ length: 4 }, () => post('/customers', { metadata: filling })));
    }
    await post('/customers', { id: 'c1', email: EMAIL });
    await remove('c1');
    const anew = new StreamClient(options);
    behind.resume();
    for (const client of [anew, behind]) {
      await client.until('the deletion', ({ events }) => events.at(-1)?.type === 'customer.deleted');
      expect(JSON.stringify(client.events)).not.toContain(EMAIL);
      expect(erasedFields(client.events)).toEqual(['email']);
      client.close();
    }
    expect(behind.ids).toEqual(anew.ids);
  });

  it('keys are looked up once a page, and not at all for who may see nothing personal', async () => {
    for (let n = 0; n < 50; n += 1) await post('/customers', { id: `c${n}`, email: EMAIL });
    const other = await authorizationFor(app, 'events:read');
    lookUps = 0;
    expect((await feedPage(app, {}, other)).data).toHaveLength(50);
    expect(lookUps).toBe(0);
    await feedPage(app);
    expect(lookUps).toBeLessThanOrEqual(1);
  });
});
