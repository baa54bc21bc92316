import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { LogCursors } from '../../src/subscribers/log-cursors.js';
import { EventStreams } from '../../src/subscribers/event-streams.js';
import type { CustomerViews } from '../../src/customers/read-model/customer-views.js';
import type { Stores } from '../../src/adapters.js';
import { hashOf } from '../../src/access/secrets.js';
import { authorizationFor, authorizationUntil, feedPage, wholeFeed } from '../support/event-readers.js';
import { StreamClient, type StreamOptions } from '../support/event-stream-client.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import { watching } from '../support/watched.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

const EMAIL = 'jane.canary@example.com';

/** For a thousand at once, on a machine that has other work. */
const PATIENCE_MS = 45_000;

describe('GET /events/stream', () => {
  let app: TestApp;
  let url: string;
  let clients: StreamClient[];

  const start = async (options: Parameters<typeof startTestApp>[0] = {}): Promise<void> => {
    app = await startTestApp({ clock: new SystemClock(), ...options });
    url = await app.listen();
    clients = [];
  };
  const open = (options: Partial<StreamOptions> = {}): StreamClient => {
    const client = new StreamClient({ url, authorization: `Bearer ${app.secret}`, ...options });
    clients.push(client);
    return client;
  };
  const post = async (path: string, body?: unknown): Promise<void> => {
    const answer = await app.request({ method: 'POST', url: path, body });
    if (answer.statusCode >= 300) throw new Error(answer.body);
  };
  const connected = (client: StreamClient, ms?: number): Promise<void> =>
    client.until('the stream has begun', ({ bytes }) => bytes > 0, ms);
  const stop = async (): Promise<void> => {
    for (const client of clients) client.close();
    await app.close();
  };

  it('tells what was and what happens, as the feed does, under cursors that both take', async () => {
    await start();
    await post('/customers', { id: 'c1', email: EMAIL });
    const client = open();
    await client.until('what was', ({ events }) => events.length === 1);
    await post('/customers/c1', { locale: 'en_US', type: 'business' });
    await client.until('what happens', ({ events }) => events.length === 3);
    const whole = await wholeFeed(app);
    expect(client.events).toEqual(whole);
    expect(client.retry).toBeGreaterThanOrEqual(1_000);
    expect([client.comments, client.emptyBlocks]).toEqual([1, 0]);
    const { next } = await feedPage(app, { limit: 1 });
    const [resumed, begun] = [
      open({ lastEventId: next, query: { after: client.lastEventId! } }),
      open({ query: { after: next } }),
    ];
    for (const each of [resumed, begun]) {
      await each.until('the rest', ({ events }) => events.length === 2);
      expect(each.events).toEqual(whole.slice(1));
    }
    expect(await feedPage(app, { after: client.lastEventId! })).toMatchObject({ data: [], hasMore: false });
    await stop();
  });

  it('filters as the feed does, and holds nothing personal for a key without the scope', async () => {
    await start();
    const redacted = open({ authorization: await authorizationFor(app, 'events:read') });
    const filtered = open({ query: { types: 'customer.enabled,customer.disabled', customerId: 'c2' } });
    await Promise.all([redacted, filtered].map((client) => connected(client)));
    for (const id of ['c1', 'c2']) await post('/customers', { id, email: EMAIL });
    for (const id of ['c1', 'c2']) await post(`/customers/${id}`, { enabled: false, email: null });
    await redacted.until('six events', ({ events }) => events.length === 6);
    await filtered.until('one event', ({ events }) => events.length === 1);
    expect(JSON.stringify(redacted.events)).not.toContain(EMAIL);
    expect(redacted.events[0]?.data.redacted).toEqual(['email']);
    expect(filtered.events).toMatchObject([{ type: 'customer.disabled', subject: 'c2' }]);
    await stop();
  });

  it.each([
    [{ lastEventId: 'x' }, 400, 'invalid_parameter', 'Last-Event-ID'],
    [{ query: { after: 'x' } }, 400, 'invalid_parameter', 'after'],
    [
      { lastEventId: new LogCursors('another', { comparePositions: () => 0 }).write(undefined) },
      410,
      'cursor_gone',
      'Last-Event-ID',
    ],
    [{ authorization: 'Bearer none' }, 401, 'unauthorized', undefined],
  ])('answers %o with %i', async (options, status, code, parameter) => {
    await start();
    const client = open(options);
    await client.done;
    expect(client.statuses).toEqual([status]);
    const [fault] = (JSON.parse(client.body) as { errors: { code: string; parameter?: string }[] }).errors;
    expect([fault?.code, fault?.parameter]).toEqual([code, parameter]);
    await stop();
  });

  it('answers 410 to a cursor beyond the end of this log, HEAD without a stream, and 406 to who wants JSON', async () => {
    await start();
    await post('/customers', { id: 'c1' });
    const { eventStore } = app.stores;
    const beyond = `${(await eventStore.head())!}9` as NonNullable<Awaited<ReturnType<typeof eventStore.head>>>;
    const client = open({ lastEventId: new LogCursors(await eventStore.logId(), eventStore).write(beyond) });
    await client.done;
    expect(client.statuses).toEqual([410]);
    const head = await app.request({ method: 'HEAD', url: '/events/stream' });
    expect([head.statusCode, head.headers['content-type']]).toEqual([200, 'text/event-stream']);
    const json = await app.request({ method: 'GET', url: '/events/stream', headers: { accept: 'application/json' } });
    expect(json.statusCode).toBe(406);
    await stop();
  });

  it('has a thousand connections share one subscription of the log', async () => {
    let subscriptions = 0;
    await start({
      wrap: (stores) => ({
        ...stores,
        eventStore: watching(stores.eventStore, 'subscribe', () => (subscriptions += 1)),
      }),
    });
    await post('/customers', { id: 'c1', email: EMAIL });
    const { next } = await feedPage(app);
    const before = subscriptions;
    const readers: StreamClient[] = [];
    while (readers.length < 1_000) {
      const more = Array.from({ length: 100 }, () => open({ lastEventId: next }));
      for (const reader of more) await connected(reader, PATIENCE_MS);
      readers.push(...more);
    }
    expect(app.service.app.get(EventStreams).count).toBe(1_000);
    for (let n = 0; n < 5; n += 1) await post('/customers/c1', { enabled: n % 2 === 1 });
    const five = ({ events }: StreamClient): boolean => events.length === 5;
    for (const reader of readers) await reader.until('five events', five, PATIENCE_MS);
    const [first] = readers;
    for (const reader of readers) expect(reader.ids).toEqual(first?.ids);
    expect(subscriptions).toBe(before);
    await stop();
  }, 120_000);

  it('ends in order when the service stops, also for one who does not read, and lets its reader resume', async () => {
    await start();
    await post('/customers', { id: 'c1' });
    const [reading, stuck] = [open(), open()];
    await Promise.all([reading, stuck].map((client) => connected(client)));
    stuck.pause();
    const long = Object.fromEntries(Array.from({ length: 19 }, (_, n) => [`k${n}`, '\u{1f9fe}'.repeat(480)]));
    // More than the sockets between take.
    for (let n = 0; n < 100; n += 1) {
      await Promise.all(Array.from({ length: 3 }, () => post('/customers', { metadata: long })));
    }
    await reading.until('all', ({ events }) => events.length === 301, PATIENCE_MS);
    const begun = performance.now();
    await app.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
    await reading.done;
    expect([reading.complete, reading.statuses]).toEqual([true, [200]]);
    stuck.close();
  }, 300_000);

  it('ends within seconds of the revocation of its key, and of its expiry', async () => {
    const clock = new TestClock();
    await start({ clock });
    const [revoked, kept] = [await authorizationFor(app, 'events:read'), await authorizationFor(app, 'events:read')];
    const expiring = await authorizationUntil(app, clock.now() + 1_000, 'events:read');
    const [ending, expired, going] = [
      open({ authorization: revoked }),
      open({ authorization: expiring }),
      open({ authorization: kept }),
    ];
    await Promise.all([ending, expired, going].map((client) => connected(client)));
    const key = await app.stores.apiKeys.findByHash(hashOf(revoked.slice('Bearer '.length)));
    await app.stores.apiKeys.revoke(key!.id, clock.now());
    clock.advance(2_000);
    for (const client of [ending, expired]) {
      await client.until('the end', ({ complete }) => complete !== undefined, 8_000);
      expect(client.complete).toBe(true);
    }
    expect(going.complete).toBeUndefined();
    await post('/customers', { id: 'c1' });
    await going.until('the event', ({ events }) => events.length === 1);
    await stop();
  });

  it('goes on while the read model is down', async () => {
    let down = false;
    const refuse = (): void => {
      if (down) throw new StoreUnavailable('read_model');
    };
    const wrap = (stores: Stores): Stores => ({
      ...stores,
      customerViews: watching<CustomerViews>(stores.customerViews, 'save', refuse),
    });
    await start({ wrap });
    const client = open();
    await connected(client);
    down = true;
    await post('/customers', { id: 'c1', email: EMAIL });
    await client.until('the event', ({ events }) => events.length === 1);
    expect(client.events[0]?.data).toMatchObject({ email: EMAIL });
    down = false;
    await stop();
  });

  it('waits while the log is down, and goes on by itself; a new one is answered 503 meanwhile', async () => {
    const server = await EventStoreDbServer.start();
    const dataDir = mkdtempSync(join(tmpdir(), 'events-stream-'));
    const options = { config: { eventstoreUrl: server.url }, dataDir };
    // What comes first must be older than this process: what it has seen itself it tells without the log.
    await start(options);
    await post('/customers', { id: 'c1' });
    await stop();
    await start(options);
    const client = open();
    await client.until('what was', ({ events }) => events.length === 1);
    await server.wire.down();
    const early = open();
    await early.done;
    expect(early.statuses).toEqual([503]);
    expect(client.complete).toBeUndefined();
    await server.wire.up();
    const again = async (): Promise<boolean> =>
      post('/customers/c1', { enabled: false }).then(
        () => true,
        () => false,
      );
    while (!(await again()));
    await client.until('what came after', ({ events }) => events.length === 2, 25_000);
    expect([client.statuses, client.complete]).toEqual([[200], undefined]);
    await stop();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }, 60_000);
});
