import { inspect } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { MongoApiKeys } from '../../src/stores/mongodb/mongo-api-keys.js';
import { MongoConnection } from '../../src/stores/mongodb/mongo-connection.js';
import { MongoCustomerViews, prepareCustomerViews } from '../../src/stores/mongodb/mongo-customer-views.js';
import { openMongoReadModel, openMongoSubjectKeys } from '../../src/stores/mongodb/mongo-stores.js';
import { MongoSubjectKeys } from '../../src/stores/mongodb/mongo-subject-keys.js';
import { aView } from '../contracts/customer-view-samples.js';
import { aKey } from '../contracts/subject-keys.contract.js';
import { mongoDbDatabases } from '../support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { throughProxy } from '../support/mongodb-url.js';
import { notRun } from '../support/not-run.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TestClock } from '../support/test-clock.js';

/** An answer is bounded by this, the driver's and a busy machine's slowness included; the service has 5 s. */
const BOUND_MS = 3_700;
/** A failure that asks nobody; one that asks takes over 2 s. */
const AT_ONCE_MS = 1_000;
const BACK_MS = 8_000;

describe('MongoDB behind a wire that fails', () => {
  if (!hasMongoDbServer()) {
    notRun('outages of MongoDB', NO_MONGODB);
    it.todo('needs a server that speaks the protocol of MongoDB');
    return;
  }
  const databases = mongoDbDatabases();
  let proxy: TcpProxy;
  let name: string;
  let connection: MongoConnection;
  let views: MongoCustomerViews;
  let keys: MongoSubjectKeys;
  let apiKeys: MongoApiKeys;

  beforeEach(async () => {
    proxy = await TcpProxy.to(databases.host, databases.port);
    ({ name } = databases.fresh());
    connection = new MongoConnection({ url: through(proxy), defaultDatabase: name });
    await prepareCustomerViews(connection);
    views = new MongoCustomerViews(connection);
    keys = new MongoSubjectKeys(connection);
    apiKeys = new MongoApiKeys(connection);
    await views.save([aView({ id: 'a' })]);
  });
  afterEach(async () => {
    await proxy.accept();
    proxy.heal();
    await connection.close();
    await proxy.close();
  });

  const through = ({ address }: TcpProxy): string => throughProxy(databases.url, address);

  const timed = async (work: () => Promise<unknown>): Promise<{ readonly outcome: unknown; readonly ms: number }> => {
    const started = performance.now();
    const outcome = await work().then(
      () => 'done',
      (error: unknown) => error,
    );
    return { outcome, ms: performance.now() - started };
  };
  const untilServed = async (work: () => Promise<unknown>, deadline = performance.now() + BACK_MS): Promise<void> => {
    for (;;) {
      const { outcome } = await timed(work);
      if (outcome === 'done') return;
      if (performance.now() > deadline) throw new Error('Not served in time', { cause: outcome });
      await delay(20);
    }
  };

  const failures: [string, () => void | Promise<void>][] = [
    ['is down', () => proxy.refuse()],
    ['is a black hole', () => proxy.silence()],
    ['hears and is not heard', () => proxy.silenceOneWay('back')],
    ['is heard and does not hear', () => proxy.silenceOneWay('there')],
    [
      'takes 4 s for a message',
      () => {
        proxy.latency = 4_000;
      },
    ],
  ];

  it.each(failures)(
    'answers each operation in time while the server %s, and works by itself after',
    async (_, fail) => {
      const before = connection.interruptions;
      await fail();
      const operations: [string, () => Promise<unknown>][] = [
        ['read_model', () => views.get('a')],
        ['read_model', () => views.list({}, 10)],
        ['read_model', () => views.save([aView({ id: 'b' })])],
        ['read_model', () => views.generations()],
        ['read_model', () => views.health()],
        ['subject_keys', () => keys.find({ subject: 'a', revision: 1 })],
        ['subject_keys', () => keys.create({ subject: 'a', revision: 1 }, aKey())],
        ['api_keys', () => apiKeys.findByHash('h')],
      ];
      const answers = await Promise.all(operations.map(([, work]) => timed(work)));
      for (const [at, { outcome, ms }] of answers.entries()) {
        expect([at, outcome]).toEqual([at, expect.any(StoreUnavailable)]);
        expect(outcome).toMatchObject({ store: operations[at]![0] });
        expect(ms).toBeLessThan(BOUND_MS);
      }
      expect(connection.interruptions).toBeGreaterThan(before);

      await proxy.accept();
      proxy.heal();
      await untilServed(() => views.get('a'));
      await views.save([aView({ id: 'c' })]);
      expect(await views.get('c')).toMatchObject({ id: 'c' });
    },
    40_000,
  );

  it('has one of many try now and then during an outage, and the others fail at once', async () => {
    proxy.silence();
    await Promise.all([1, 2, 3].map(() => timed(() => views.get('a'))));
    const asked: ReturnType<typeof timed>[] = [];
    for (const until = performance.now() + 3_000; performance.now() < until;) {
      asked.push(timed(() => views.get('a')));
      await delay(20);
    }
    const answers = await Promise.all(asked);
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.every(({ outcome }) => outcome instanceof StoreUnavailable)).toBe(true);
    const patient = answers.filter(({ ms }) => ms > AT_ONCE_MS);
    expect(patient.length).toBeGreaterThanOrEqual(1);
    expect(patient.length).toBeLessThanOrEqual(3);
  });

  it('goes on when only its connections were cut, and has counted that before it answers', async () => {
    for (let n = 0; n < 10; n += 1) {
      const before = connection.interruptions;
      proxy.cut();
      await untilServed(() => views.get('a'), performance.now() + 2_500);
      expect(connection.interruptions).toBeGreaterThan(before);
    }
  });

  it('counts no interruption while all is well', async () => {
    const before = connection.interruptions;
    for (let n = 0; n < 50; n += 1) await Promise.all([views.get('a'), views.save([aView()]), views.list({}, 2)]);
    expect(connection.interruptions).toBe(before);
  });

  it('counts connections that were lost while nobody used them before the next answer', async () => {
    const before = connection.interruptions;
    proxy.cut();
    // So that the driver knows, and takes another connection without a word.
    await delay(100);
    expect(await views.get('a')).toMatchObject({ id: 'a' });
    expect(connection.interruptions).toBeGreaterThan(before);
  });

  it('keeps one slow operation from shutting the door for others', async () => {
    const slow = timed(() => connection.run('read_model', () => delay(2_500)));
    await delay(1_000);
    expect(await views.get('a')).toMatchObject({ id: 'a' });
    expect((await slow).outcome).toBeInstanceOf(StoreUnavailable);
    expect(await views.get('a')).toMatchObject({ id: 'a' });
  });

  it('finds a key that was made while the answer was lost, instead of making another', async () => {
    const ref = { subject: 'lost', revision: 1 };
    const first = aKey();
    proxy.silenceOneWay('back');
    expect((await timed(() => keys.create(ref, first))).outcome).toBeInstanceOf(StoreUnavailable);
    // The server did it all the same.
    const stored = databases.client.db(name).collection('subject_keys');
    while ((await stored.countDocuments({})) === 0) await delay(10);
    proxy.heal();
    await untilServed(() => keys.find(ref));
    expect(await keys.create(ref, aKey())).toEqual({ status: 'active', ...first });
  });

  it('is closed in time while the server is a black hole', async () => {
    await Promise.all([views.get('a'), views.get('b')]);
    proxy.silence();
    void timed(() => views.get('a'));
    expect((await timed(() => connection.close())).ms).toBeLessThan(BOUND_MS);
    expect((await timed(() => views.get('a'))).outcome).toBeInstanceOf(StoreUnavailable);
  });

  it('refuses to open where nobody answers, in time and without a word of the address', async () => {
    await proxy.refuse();
    const url = `mongodb://the-user:the-password@${proxy.address}/?directConnection=true`;
    const options = { url, clock: new TestClock() };
    for (const open of [openMongoReadModel, openMongoSubjectKeys]) {
      const { outcome, ms } = await timed(() => open(options));
      expect(outcome).toBeInstanceOf(StoreUnavailable);
      expect(ms).toBeLessThan(BOUND_MS);
      const told = inspect(outcome, { depth: 20, showHidden: true });
      expect(told).toMatch(/ECONNREFUSED|Selection/);
      expect(told).not.toMatch(/the-user|the-password|127\.0\.0\.1/);
    }
  });

  it.each(['mongodb://the-user:the-pass%word@host/', 'http://the-user:the-password@host', 'mongodb://the-user@:1/x'])(
    'refuses what is no address without repeating it: %s',
    async (url) => {
      const { outcome } = await timed(() => openMongoReadModel({ url, clock: new TestClock() }));
      expect(outcome).toBeInstanceOf(Error);
      expect(inspect(outcome, { depth: 20, showHidden: true })).not.toMatch(/the-/);
    },
  );
});
