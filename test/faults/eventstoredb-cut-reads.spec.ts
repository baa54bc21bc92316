import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import { openEventStoreDb } from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { event, events } from '../contracts/log-under-test.js';
import { Ends } from '../support/ends.js';
import { GivenUpClient } from '../support/given-up-client.js';
import { eventMessage } from '../support/eventstoredb-server/messages.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';
import { outcome, PREFIXES, until } from './eventstoredb-world.js';

const STREAM = 'customer-1';
const DAY_MS = 24 * 60 * 60_000;

describe('A read of EventStoreDB whose client is given up meanwhile', () => {
  let server: EventStoreDbServer;
  let client: GivenUpClient;
  const readsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const count = (): number => server.sent.reads.get(STREAM) ?? 0;
    const before = count();
    await work();
    return count() - before;
  };

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    client = new GivenUpClient(server, PREFIXES);
    await client.store.append(STREAM, 'no_stream', events(6));
  });
  afterEach(async () => {
    server.faults.release();
    await client.close();
    await server.stop();
  });

  it.each([
    ['nothing', 0],
    ['one event', 1],
    ['half of the events', 3],
    ['all events, without the end', 6],
  ])('is made again when %s had come', async (_, after) => {
    const reads = await readsOf(async () => {
      const read = await client.during({ of: STREAM, after }, () => client.store.read(STREAM));
      expect(read.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4, 5]);
    });
    expect(reads).toBe(2);
  });

  it('is whole without its end when all events that were asked for had come', async () => {
    const reads = await readsOf(async () => {
      const read = await client.during({ of: STREAM, after: 4 }, () => client.store.read(STREAM, { limit: 4 }));
      expect(read).toHaveLength(4);
    });
    expect(reads).toBe(1);
  });

  it.each([0, 1, 100])('goes on with the page in which it was, of which %s events had come', async (after) => {
    await client.store.append(STREAM, 5, events(700));
    const first = await client.store.read(STREAM, { limit: 500 });
    expect(first).toHaveLength(500);
    const read = await client.during({ of: STREAM, after }, () => client.store.read(STREAM, { from: 500 }));
    expect(read.map(({ revision }) => revision)).toEqual(Array.from({ length: 206 }, (_, n) => 500 + n));
  });

  it.each([
    [1, 0],
    [2, 0],
    [2, 3],
    [3, 0],
    [3, 10],
  ])('finds the head of the log, in whose read %s only %s events had come', async (nth, after) => {
    const { position } = await client.store.append('customer-2', 'no_stream', [event()]);
    await client.store.append('other-1', 'no_stream', events(20));
    expect(await client.during({ of: '$all', after, nth }, () => client.store.head())).toBe(position);
  });

  it('finds the end of the log', async () => {
    const { position } = await client.store.append('other-1', 'no_stream', events(2));
    expect(await client.during({ of: '$all', after: 0 }, () => client.store.end())).toBe(position);
  });

  it('takes the log neither for another one, nor for one without a name', async () => {
    const id = await client.store.logId();
    await client.during({ of: '$all', after: 0 }, () => client.store.health());
    await client.store.append(STREAM, 5, [event()]);
    const fresh = new GivenUpClient(server, PREFIXES);
    const received = server.appendsReceived;
    expect(await fresh.during({ of: 'customers-log', after: 0 }, () => fresh.store.logId())).toBe(id);
    expect(server.appendsReceived).toBe(received);
    await fresh.close();
  });

  it('is read once when nothing happens to it, however many run at once', async () => {
    await client.store.append(STREAM, 5, events(100));
    const reads = await readsOf(async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => client.store.read(STREAM)));
      for (const read of all) expect(read).toHaveLength(106);
    });
    expect(reads).toBe(50);
  });

  it('fails when the store is closed, and never with what had come', async () => {
    server.faults.hangNextReadAfter(3, STREAM);
    const reading = client.store.read(STREAM);
    reading.catch(() => undefined);
    await until(() => server.faults.rests.held === 1);
    await client.close();
    expect(await outcome(reading)).toBe('event_log unavailable');
  });
});

describe('A read of EventStoreDB that something in between ends', () => {
  const ends = new Ends();
  afterEach(() => ends.run());

  /** Answers each read with one event, and then as it is told. */
  const startIntermediary = async (end: (stream: ServerHttp2Stream) => void): Promise<Http2Server> => {
    const log = await EventStoreDbServer.start();
    ends.add(() => log.stop());
    log.log.writeForeign(1, STREAM);
    const message = eventMessage(log.log.stream(STREAM)[0]!).serializeBinary();
    const length = Buffer.alloc(5);
    length.writeUInt32BE(message.length, 1);
    const server = createServer();
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => end(stream));
      stream.end(Buffer.concat([length, message]));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ends.add(() => void server.close());
    return server;
  };

  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['without a status', (stream) => stream.close()],
    ['with a status that says nothing', (stream) => stream.sendTrailers({ 'x-from': 'between' })],
    [
      'as if this side had cancelled it',
      (stream) => stream.sendTrailers({ 'grpc-status': '1', 'grpc-message': 'Cancelled on client' }),
    ],
  ])('%s fails, though the half that came is well formed', async (_, end) => {
    const server = await startIntermediary(end);
    const { port } = server.address() as AddressInfo;
    const store = openEventStoreDb({ url: `esdb://127.0.0.1:${port}?tls=false`, prefixes: PREFIXES });
    ends.add(() => store.close());
    expect(await outcome(store.read(STREAM))).toBe('event_log unavailable');
  });
});

describe('The service on EventStoreDB whose client is given up', () => {
  const ends = new Ends();
  let server: EventStoreDbServer;
  let client: GivenUpClient;
  let app: TestApp;
  const clock = new TestClock();

  beforeAll(async () => {
    server = await EventStoreDbServer.start();
    ends.add(() => server.stop());
    client = new GivenUpClient(server, [...PREFIXES, 'audit-']);
    ends.add(() => client.close());
    app = await startTestApp({ clock, wrap: (stores) => ({ ...stores, eventStore: client.store }) });
    ends.add(() => app.close());
  });
  afterAll(() => ends.run());

  const post = async (url: string, body: object): Promise<number> =>
    (await app.request({ method: 'POST', url, body })).statusCode;
  const created = async (id: string): Promise<void> => {
    expect(await post('/customers', { id, email: 'jane@example.com' })).toBe(201);
  };

  it.each([0, 1])('updates an acknowledged customer, of whose stream %s events had come', async (after) => {
    const id = `updated-${after}`;
    await created(id);
    expect(await post(`/customers/${id}`, { locale: 'en_US' })).toBe(200);
    const update = (): Promise<number> => post(`/customers/${id}`, { locale: 'de_DE' });
    expect(await client.during({ of: `customer-${id}`, after }, update)).toBe(200);
  });

  it('verifies a customer by the whole of its history', async () => {
    await created('verified');
    const url = '/audit/customers/verified/verification';
    const verify = (): Promise<{ json(): object }> => app.request({ method: 'GET', url });
    const whole = (await verify()).json();
    const read = await client.during({ of: 'customer-verified', after: 0 }, verify);
    expect(read.json()).toMatchObject({ ...whole, ...('checkedAt' in whole && { checkedAt: expect.anything() }) });
  });

  it('erases a customer whose request is due', async () => {
    await created('due');
    expect(await post('/customers/due', { requestToBeForgotten: true })).toBe(200);
    clock.advance(29 * DAY_MS);
    await client.during({ of: 'customer-due', after: 0 }, () => app.service.dueErasures.run());
    const found = await app.request({ method: 'GET', url: '/customers/due/erasure' });
    expect(found.json()).toMatchObject({ erasedTime: expect.anything() });
  });
});

describe('The service on an EventStoreDB server that freezes', () => {
  it('never answers 404 for an acknowledged customer, though its client is given up meanwhile', async () => {
    const ends = new Ends();
    const server = await EventStoreDbServer.start();
    ends.add(() => server.stop());
    try {
      const config = { eventstoreUrl: server.url };
      const dataDir = await mkdtemp(join(tmpdir(), 'customers-'));
      ends.add(() => rm(dataDir, { recursive: true }));
      const app = await startTestApp({ clock: new SystemClock(), config, dataDir });
      ends.add(() => app.close());
      const request = async (url: string, body: object): Promise<number> =>
        (await app.request({ method: 'POST', url, body })).statusCode;
      const ids = Array.from({ length: 10 }, (_, n) => `c${n}`);
      for (const id of ids) expect(await request('/customers', { id })).toBe(201);
      const connections = server.wire.accepted;
      server.wire.freeze();
      const update = (id: string): Promise<number> => request(`/customers/${id}`, { locale: 'en_US' });
      const early = ids.slice(0, 5).map(update);
      // Later by less than the time-out of a read, so that they are under way when the fifth of the early ones fails.
      await delay(1_000);
      const late = ids.slice(5).map(update);
      await Promise.race([...early, ...late]);
      await until(() => server.wire.accepted > connections);
      server.wire.thaw();
      const answers = await Promise.all([...early, ...late]);
      for (const answer of answers) expect([200, 503]).toContain(answer);
      expect(answers.slice(5)).toContain(200);
      for (const id of ids) expect(await update(id)).toBe(200);
    } finally {
      server.wire.thaw();
      await ends.run();
    }
  });
});
