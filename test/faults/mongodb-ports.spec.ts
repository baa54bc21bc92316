import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import type { Document } from 'mongodb';
import { openStores } from '../../src/adapters.js';
import { readConfig } from '../../src/config.js';
import type { Position } from '../../src/event-sourcing/event-store.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { MongoCheckpoints } from '../../src/stores/mongodb/mongo-checkpoints.js';
import { MongoConnection } from '../../src/stores/mongodb/mongo-connection.js';
import { type CollectionContents, withCollections } from '../../src/stores/mongodb/database-contents.js';
import { MongoCustomerViews } from '../../src/stores/mongodb/mongo-customer-views.js';
import { openMongoReadModel, openMongoSubjectKeys } from '../../src/stores/mongodb/mongo-stores.js';
import { ConfigError } from '../../src/settings.js';
import type { ReadModelStores } from '../../src/stores/opened-stores.js';
import { aView } from '../contracts/customer-view-samples.js';
import { aKey } from '../contracts/subject-keys.contract.js';
import { type Answer, AnsweringProxy, nameOf } from '../support/mongodb-answers.js';
import { mongoDbDatabases } from '../support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { inDatabase, throughOpenProxy } from '../support/mongodb-url.js';
import { notRun } from '../support/not-run.js';
import { cleanUp, temporaryFolder } from '../support/service-process.js';
import { TestClock } from '../support/test-clock.js';

const AT = Date.UTC(2026, 0, 1);
const PERSONAL = 'jane@example.com';
const clock = new TestClock();
const ref = { subject: 'c', revision: 1 };
const position = '1' as Position;
const leaf = { index: 0, eventId: 'e', stream: 's', revision: 0, position, entry: new Uint8Array([1]) };
const lane = { endpointId: 'w', customerId: 'c', next: 0, end: 1 };
const signed = { origin: 'o', size: 1, root: new Uint8Array([1]), at: AT, position, note: 'n' };
const endpoint = {
  id: 'w',
  url: 'https://example.com/',
  pii: false,
  enabled: true,
  secrets: [],
  createdAt: AT,
  updatedAt: AT,
  version: 1,
};
const apiKey = { id: 'k', name: 'n', scopes: [], createdAt: AT, secretHash: 'h' };
const key = aKey();

type Operation = (stores: ReadModelStores) => Promise<unknown>;
const OPERATIONS: Readonly<Record<string, Operation>> = {
  'views get': ({ customerViews }) => customerViews.get('c'),
  'views list': ({ customerViews }) => customerViews.list({ updatedTime: { gte: AT } }, 10),
  'views save, first version': ({ customerViews }) => customerViews.save([aView()]),
  'views save, a later version': ({ customerViews }) => customerViews.save([aView({ version: 3 })]),
  'views start building': ({ customerViews }) => customerViews.startBuilding(),
  'checkpoints load': ({ checkpoints }) => checkpoints.load('f'),
  'checkpoints save': ({ checkpoints }) => checkpoints.save('f', { logId: 'l', position }),
  'checkpoints remove': ({ checkpoints }) => checkpoints.remove('f'),
  'leases acquire': ({ checkpoints }) => checkpoints.acquire('f', 'o', 1_000),
  'leases renew': ({ checkpoints }) => checkpoints.renew({ name: 'f', owner: 'o', epoch: 1 }, 1_000),
  'API keys find': ({ apiKeys }) => apiKeys.findByHash('h'),
  'API keys add': ({ apiKeys }) => apiKeys.add(apiKey),
  'webhooks add': ({ webhooks }) => webhooks.add(endpoint),
  'webhooks replace': ({ webhooks }) => webhooks.replace(endpoint, 1),
  'webhooks enqueue': ({ webhooks }) => webhooks.enqueue([lane], AT),
  'webhooks rewind': ({ webhooks }) => webhooks.rewind([lane], 'r', AT),
  'webhooks restart': ({ webhooks }) => webhooks.restart('w', 'parked', AT),
  'webhooks clear': ({ webhooks }) => webhooks.clear('w'),
  'audit tree append': ({ auditTree }) => auditTree.append([leaf], []),
  'audit tree checkpoint': ({ auditTree }) => auditTree.addCheckpoint(signed),
  'audit tree begin anew': ({ auditTree }) => auditTree.beginAnew(),
  'receipts note': ({ receipts }) => receipts.note([{ ref, at: AT, position }]),
  'receipts told': ({ receipts }) => receipts.told(ref, 'w', AT),
  'receipts clear': ({ receipts }) => receipts.clearPending(),
};

async function readAllOf(collections: readonly CollectionContents[]): Promise<void> {
  for (const { pieces } of collections) for await (const piece of pieces()) expect(piece.length).toBeGreaterThan(0);
}

const refusal = (code: number): Document => ({ ok: 0, code, codeName: 'Quoted', errmsg: PERSONAL });
const unconfirmed = (code: number): Document => ({
  ok: 1,
  n: 1,
  nModified: 1,
  writeConcernError: { code, errmsg: PERSONAL },
});
const READS = ['find', 'listCollections', 'count', 'aggregate'];
const WRITES = ['insert', 'update', 'delete', 'findAndModify', 'create', 'createIndexes', 'drop'];

describe('the stores on a MongoDB that refuses', () => {
  if (!hasMongoDbServer()) {
    notRun('stores on a MongoDB that refuses', NO_MONGODB);
    it.todo('needs a server that speaks the protocol of MongoDB');
    return;
  }
  const databases = mongoDbDatabases();
  let proxy: AnsweringProxy;
  let url: string;
  let connections: MongoConnection[];

  beforeAll(async () => {
    proxy = await AnsweringProxy.to(databases.url);
    const { name } = databases.fresh();
    // So often the driver looks who is primary, by itself and after it was told of another.
    const often = 'heartbeatFrequencyMS=500&minHeartbeatFrequencyMS=5';
    url = `${inDatabase(throughOpenProxy(databases.url, proxy.address), name)}&${often}`;
    const [views, keys] = [await openMongoReadModel({ url, clock }), await openMongoSubjectKeys({ url, clock })];
    await views.auditTree.id();
    await views.customerViews.save([aView()]);
    await Promise.all([views.close(), keys.close()]);
  });
  beforeEach(() => {
    connections = [];
  });
  afterEach(async () => {
    proxy.answering = () => undefined;
    proxy.hello = {};
    for (const connection of connections) await connection.close();
  });
  afterAll(async () => {
    proxy.close();
    await cleanUp();
  });

  const connect = (): MongoConnection => {
    const connection = new MongoConnection({ url, defaultDatabase: '-' });
    connections.push(connection);
    return connection;
  };
  const outcomeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (error: unknown) => error,
    );

  /** Of stores that nothing has happened to yet: after an outage nobody asks for a while. */
  const onFreshStores = async (operation: Operation, commands: readonly string[], answer: Answer): Promise<unknown> => {
    const stores = await openMongoReadModel({ url, clock });
    try {
      // The reading of the pointer to the live views is not what is to fail.
      await stores.customerViews.get('c');
      const pointers = new Set(['generations']);
      proxy.answering = (command) =>
        commands.includes(nameOf(command)) && !pointers.has(command[nameOf(command)]) ? answer : undefined;
      return await outcomeOf(operation(stores));
    } finally {
      proxy.answering = () => undefined;
      await stores.close();
    }
  };

  it('use the commands that the documentation names, and no others', async () => {
    const used = new Set<string>();
    proxy.answering = (command) => {
      used.add(nameOf(command));
      return undefined;
    };
    const stores = await openMongoReadModel({ url, clock });
    for (const operation of Object.values(OPERATIONS)) await operation(stores);
    await stores.customerViews.health();
    // Without the second in which others may look at the pointer that was.
    await new MongoCustomerViews(connect(), 0).startBuilding();
    const keys = await openMongoSubjectKeys({ url, clock });
    await keys.subjectKeys.create(ref, key);
    expect(used).not.toContain('aggregate');
    await keys.subjectKeys.countByMasterKey();
    await Promise.all([stores.close(), keys.close()]);
    await withCollections(url, '-', readAllOf);
    for (const ofDriver of ['endSessions', 'saslStart', 'saslContinue', 'ping']) used.delete(ofDriver);
    const page = readFileSync('docs/operations.md', 'utf8');
    const [, sentence = ''] = /The commands are ([^.]*)\./.exec(page) ?? [];
    const named = [...sentence.matchAll(/`(\w+)`/g)].map(([, command]) => command);
    expect(named.filter((command) => command !== 'getMore' && command !== 'ping').sort()).toEqual(
      [...used].filter((command) => command !== 'getMore').sort(),
    );
  });

  it.each(Object.keys(OPERATIONS))('tell an election as a store out of reach: %s', async (name) => {
    const operation = OPERATIONS[name]!;
    for (const answer of [refusal(10_107), refusal(189), refusal(462)]) {
      const outcome = await onFreshStores(operation, [...READS, ...WRITES], answer);
      expect([name, outcome]).toEqual([name, expect.any(StoreUnavailable)]);
      expect(inspect(outcome, { depth: 9, showHidden: true })).not.toContain(PERSONAL);
    }
    const unwritten = await onFreshStores(operation, WRITES, unconfirmed(64));
    const writes = !/ (get|list|load|find)$/.test(name);
    expect([name, unwritten]).toEqual([name, writes ? expect.any(StoreUnavailable) : 'done']);
  });

  it.each(['views save, a later version', 'webhooks enqueue', 'audit tree append', 'API keys add'])(
    'tell a refusal as one, with its code and name: %s',
    async (name) => {
      const writes = WRITES.slice(0, 2);
      const outcome = await onFreshStores(OPERATIONS[name]!, writes, refusal(121));
      expect(outcome).toMatchObject({
        name: 'RefusedByServer',
        code: '121',
        message: 'The database refused an operation (DocumentValidationFailure 121)',
      });
      expect(inspect(outcome, { depth: 9, showHidden: true })).not.toContain(PERSONAL);
    },
  );

  it.each([['create'], ['createIndexes'], ['update']])(
    'do not open while %s is refused by an election, and say so',
    async (command) => {
      // What is there is not made again.
      const { name } = databases.fresh();
      const anew = `${inDatabase(throughOpenProxy(databases.url, proxy.address), name)}&minHeartbeatFrequencyMS=5`;
      proxy.answer(command, refusal(11_602));
      const outcome = await outcomeOf(openMongoReadModel({ url: anew, clock }));
      expect(outcome).toMatchObject({ name: 'StoreUnavailable', cause: { name: 'InterruptedDueToReplStateChange' } });
    },
  );

  it.each(['MONGODB_URL', 'KEYS_MONGODB_URL'])(
    'refuse an option by its name and that of the setting: %s',
    async (name) => {
      const dataDir = await temporaryFolder();
      const keysMongodbUrl = inDatabase(throughOpenProxy(databases.url, proxy.address), databases.fresh().name);
      const config = { ...readConfig({ DATA_DIR: dataDir }), mongodbUrl: url, keysMongodbUrl };
      const setting = name === 'MONGODB_URL' ? 'mongodbUrl' : 'keysMongodbUrl';
      const opening = openStores({ ...config, [setting]: `${config[setting]}&w=1` }, { exclusive: false });
      await expect(opening).rejects.toThrow(ConfigError);
      await expect(opening).rejects.toThrow(`${name}: The option w must be majority: what one server has`);
    },
  );

  it('look through what is stored as a whole or not at all', async () => {
    const lookThrough = (): Promise<unknown> =>
      withCollections(url, '-', async (collections) => {
        for (const { pieces } of collections)
          for await (const piece of pieces()) expect(piece.length).toBeGreaterThan(0);
      });
    expect(await outcomeOf(lookThrough())).toBe('done');
    for (const command of ['listCollections', 'find', 'count']) {
      proxy.answer(command, refusal(13_435));
      expect(await outcomeOf(lookThrough())).toBeInstanceOf(StoreUnavailable);
    }
  });

  it('keep other operations from asking after an outage, and not after one that was broken off', async () => {
    const connection = connect();
    const ping = () => outcomeOf(connection.ping('read_model'));
    proxy.answer('ping', refusal(112), 1);
    expect(await ping()).toMatchObject({ cause: { name: 'WriteConflict' } });
    expect(await ping()).toBe('done');
    proxy.answer('ping', refusal(91), 1);
    expect(await ping()).toMatchObject({ cause: { name: 'ShutdownInProgress' } });
    expect(await ping()).toMatchObject({ cause: { name: 'KnownToBeGone' } });
  });

  describe('the end of a read', () => {
    const MANY = 20;
    beforeAll(async () => {
      const things = databases.client.db(new URL(url).pathname.slice(1)).collection('things');
      await things.insertMany(Array.from({ length: MANY }, (_, n) => ({ n })));
    });
    const readAll = (connection: MongoConnection, meanwhile: (seen: number) => Promise<void> = async () => undefined) =>
      outcomeOf(
        connection
          .run('read_model', async (db) => {
            let seen = 0;
            const things = db.collection('things').find({}, { batchSize: 5 });
            for await (const { n } of things) await meanwhile((seen += n === undefined ? 0 : 1));
            return seen;
          })
          .then((seen) => {
            expect(seen).toBe(MANY);
          }),
      );

    it.each<[string, Answer]>([
      ['the server has forgotten it', refusal(43)],
      ['the plan was killed', refusal(175)],
      ['the server is another one now', refusal(10_107)],
      ['the connection is cut', 'cut'],
    ])('is not taken for it when %s', async (_, answer) => {
      for (const rounds of [0, 1, 2]) {
        let left = rounds;
        proxy.answering = (command) => {
          if (nameOf(command) !== 'getMore') return undefined;
          left -= 1;
          return left < 0 ? answer : undefined;
        };
        expect(await readAll(connect())).toBeInstanceOf(StoreUnavailable);
      }
      proxy.answering = () => undefined;
      expect(await readAll(connect())).toBe('done');
    });

    it.each([1, 5, 6, MANY - 1])('is not taken for it when the client is closed after %i', async (after) => {
      const connection = connect();
      const outcome = await readAll(connection, async (seen) => {
        if (seen === after) await connection.close();
      });
      expect(outcome).toMatchObject({ name: 'StoreUnavailable', cause: { name: expect.stringMatching(/Closed/) } });
    });

    it('is not taken for it when the client is closed while the server thinks', async () => {
      const connection = connect();
      proxy.answering = async (command, pass) => {
        if (nameOf(command) !== 'getMore') return undefined;
        const reply = await pass();
        await connection.close();
        return reply;
      };
      expect(await readAll(connection)).toBeInstanceOf(StoreUnavailable);
    });
  });

  it('are read from no secondary, which the one server of the address may become', async () => {
    const connection = connect();
    const checkpoints = new MongoCheckpoints(connection, 'read_model', clock);
    const load = () => outcomeOf(checkpoints.load(randomUUID()));
    const until = async (served: boolean): Promise<void> => {
      const end = performance.now() + 20_000;
      while (((await load()) === 'done') !== served) {
        if (performance.now() > end) throw new Error(`It was ${served ? 'not served' : 'served'} for too long`);
        await delay(20);
      }
    };
    expect(await load()).toBe('done');
    const before = connection.interruptions;
    proxy.hello = { setName: 'rs', isWritablePrimary: false, secondary: true, hosts: ['elsewhere:27017'] };
    // It is noticed with the next heartbeat.
    await until(false);
    expect(await outcomeOf(connection.ping('read_model'))).toBeInstanceOf(StoreUnavailable);
    expect(connection.interruptions).toBeGreaterThan(before);
    const opened = await outcomeOf(new MongoCheckpoints(connect(), 'read_model', clock).load('f'));
    expect(opened).toMatchObject({ name: 'StoreUnavailable', cause: { name: 'NotThePrimary' } });
    proxy.hello = {};
    await until(true);
  });

  it('find keys, and say what they could not find out', async () => {
    const keys = await openMongoSubjectKeys({ url, clock });
    try {
      await keys.subjectKeys.create(ref, key);
      proxy.answer('find', refusal(13_436));
      expect(await outcomeOf(keys.subjectKeys.find(ref))).toMatchObject({ store: 'subject_keys' });
    } finally {
      proxy.answering = () => undefined;
      await keys.close();
    }
  });
});
