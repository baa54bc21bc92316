import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { type Collection, type Db, type Document, MongoClient } from 'mongodb';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { describeError } from '../../src/http/service-logger.js';
import { translate } from '../../src/stores/mongodb/driver-errors.js';
import { RefusedByServer } from '../../src/stores/mongodb/operation-errors.js';
import { type Answer, AnsweringProxy, nameOf } from '../support/mongodb-answers.js';
import { mongoDbDatabases } from '../support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { inDatabase, throughOpenProxy } from '../support/mongodb-url.js';
import { notRun } from '../support/not-run.js';

/** What no answer may be told with: it stands in the server's own words. */
const PERSONAL = 'jane@example.com';

type Operation = (collection: Collection<{ _id: string }>, db: Db) => Promise<unknown>;
const READS: readonly [command: string, what: string, Operation][] = [
  ['find', 'a find', (collection) => collection.findOne({})],
  ['getMore', 'the rest of a find', (collection) => collection.find({}, { batchSize: 2 }).toArray()],
  ['aggregate', 'an aggregation', (collection) => collection.aggregate([{ $match: {} }]).toArray()],
  ['count', 'a count', (collection) => collection.estimatedDocumentCount()],
  ['listCollections', 'a list of collections', (_, db) => db.listCollections({}, { nameOnly: true }).toArray()],
  ['ping', 'a command', (_, db) => db.command({ ping: 1 })],
];
const put = (_id: string) => ({ replaceOne: { filter: { _id }, replacement: {}, upsert: true } });
const WRITES: readonly [command: string, what: string, Operation][] = [
  ['insert', 'an insertion', (collection) => collection.insertOne({ _id: 'new' })],
  ['insert', 'insertions in order', (collection) => collection.insertMany([{ _id: 'n1' }, { _id: 'n2' }])],
  ['insert', 'insertions', (collection) => collection.insertMany([{ _id: 'm1' }, { _id: 'm2' }], { ordered: false })],
  ['update', 'an update', (collection) => collection.updateOne({ _id: 'a' }, { $set: { n: 1 } }, { upsert: true })],
  ['update', 'a replacement', (collection) => collection.replaceOne({ _id: 'a' }, {}, { upsert: true })],
  ['update', 'an update of many', (collection) => collection.updateMany({}, { $set: { n: 1 } })],
  ['update', 'a batch', (collection) => collection.bulkWrite([put('a'), put('b')], { ordered: false })],
  ['update', 'a batch in order', (collection) => collection.bulkWrite([put('a'), put('b')])],
  ['delete', 'a deletion', (collection) => collection.deleteOne({ _id: 'none' })],
  ['delete', 'a deletion of many', (collection) => collection.deleteMany({ _id: 'none' })],
  ['findAndModify', 'a find and update', (c) => c.findOneAndUpdate({ _id: 'a' }, { $set: { n: 2 } }, { upsert: true })],
];
const SETUPS: readonly [command: string, what: string, Operation][] = [
  ['create', 'the making of a collection', (_, db) => db.createCollection('another')],
  ['createIndexes', 'the making of an index', (collection) => collection.createIndexes([{ key: { n: 1 } }])],
  ['drop', 'the drop of a collection', (_, db) => db.dropCollection('none')],
];
/** One of each way in which the driver tells of a failure. */
const FEW = [READS[0]!, READS[1]!, WRITES[0]!, WRITES[6]!, WRITES[10]!, SETUPS[1]!];
const ALL = [...READS, ...WRITES, ...SETUPS];

const refusal = (code: number): Document => ({ ok: 0, code, errmsg: `refused for ${PERSONAL}` });
const unconfirmed = (code: number): Document => ({ ok: 1, n: 1, writeConcernError: { code, errmsg: PERSONAL } });
const ofDocument = (code: number): Document => ({
  ok: 1,
  n: 0,
  writeErrors: [{ index: 0, code, errmsg: `refused for ${PERSONAL}` }],
});

/** The driver's own account of codes, not exported: a newer release that knows more of them fails here. */
interface DriverErrors {
  readonly MONGODB_ERROR_CODES: Readonly<Record<string, number>>;
  readonly GET_MORE_RESUMABLE_CODES: ReadonlySet<number>;
  isRetryableReadError(error: { readonly code: number; readonly message: string }): boolean;
  isStateChangeError(error: { readonly code: number; readonly message: string }): boolean;
}
const driver = createRequire(import.meta.url)('mongodb/lib/error.js') as DriverErrors;
const EVERY_CODE = Array.from({ length: 20_000 }, (_, code) => code);
const OF_DRIVER = EVERY_CODE.filter(
  (code) =>
    driver.isRetryableReadError({ code, message: '' }) ||
    driver.isStateChangeError({ code, message: '' }) ||
    driver.GET_MORE_RESUMABLE_CODES.has(code),
);
/** What the server's list of errors (src/mongo/base/error_codes.yml) says of codes that the driver does not know. */
const OF_SERVER = {
  'of the network, or of a server that goes': [141, 145, 199, 202, 230, 231, 303, 317, 333, 354, 372, 384, 398],
  'to be tried again': [358, 402, 406, 407, 412, 453, 50_915, 91_331, 10_045_600],
  'an interruption': [24, 50, 237, 279, 281, 282, 290, 355, 11_601, 46_841],
  'a cursor that is gone': [43, 175, 314],
  'a write that is not confirmed': [64, 75, 79, 100],
  'of overload': [433, 449, 450, 462],
  'a snapshot or a routing table that is out of date': [63, 150, 234, 239, 246, 249, 250, 272, 13_388],
  'of who asks': [13, 18],
  'a state that passes': [46, 112, 117, 149, 164, 211, 215, 216, 261, 264, 276, 285, 365, 371, 12_586, 12_587, 14_031],
};
const REFUSALS = [1, 2, 8, 9, 14, 20, 26, 59, 66, 67, 72, 73, 85, 86, 96, 115, 121, 148, 166, 238, 292, 10_334, 40_415];

describe('what a MongoDB answers', () => {
  if (!hasMongoDbServer()) {
    notRun('answers of MongoDB that refuse', NO_MONGODB);
    it.todo('needs a server that speaks the protocol of MongoDB');
    return;
  }
  const databases = mongoDbDatabases();
  let proxy: AnsweringProxy;
  let client: MongoClient;
  let db: Db;

  beforeAll(async () => {
    proxy = await AnsweringProxy.to(databases.url);
    const { name } = databases.fresh();
    // After a code that tells of another primary the driver looks at the server anew, not more often than this.
    const soon = { minHeartbeatFrequencyMS: 5, heartbeatFrequencyMS: 60_000, serverSelectionTimeoutMS: 5_000 };
    client = new MongoClient(inDatabase(throughOpenProxy(databases.url, proxy.address), name), soon);
    db = client.db();
    await db.collection<{ _id: string }>('things').insertMany(['a', 'b', 'c', 'd', 'e'].map((_id) => ({ _id })));
  });
  afterEach(() => {
    proxy.answering = () => undefined;
    proxy.hello = {};
  });
  afterAll(async () => {
    await client.close();
    proxy.close();
  });

  /** What callers see of an operation whose command is answered so. */
  const seen = async ([command, , operation]: (typeof ALL)[number], answer: Answer): Promise<unknown> => {
    proxy.answer(command, answer);
    return operation(db.collection('things'), db).then(
      () => 'done',
      (error: unknown) => translate(error, 'read_model'),
    );
  };
  const answersWith = (code: number, operations: readonly (typeof ALL)[number][]) =>
    operations.flatMap((operation) => [
      { operation, form: 'refused', answer: refusal(code) },
      ...(WRITES.includes(operation) ? [{ operation, form: 'not confirmed', answer: unconfirmed(code) }] : []),
      ...(['insert', 'update', 'delete'].includes(operation[0])
        ? [{ operation, form: 'of a document', answer: ofDocument(code) }]
        : []),
    ]);

  const expectUnavailable = async (code: number, operations = FEW): Promise<void> => {
    for (const { operation, form, answer } of answersWith(code, operations)) {
      const outcome = await seen(operation, answer);
      expect([operation[1], form, outcome]).toEqual([operation[1], form, expect.any(StoreUnavailable)]);
      expect(describeError(outcome)).toMatchObject({
        name: 'StoreUnavailable',
        store: 'read_model',
        cause: { name: expect.stringMatching(/^[A-Z]\w+$/), code: String(code) },
      });
      expect(inspect(outcome, { depth: 20, showHidden: true })).not.toContain(PERSONAL);
    }
  };

  it('has a list of codes that is the driver’s own', () => {
    expect(OF_DRIVER).toEqual(
      [6, 7, 43, 63, 89, 91, 133, 134, 150, 189, 234, 262, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436].sort(
        (a, b) => a - b,
      ),
    );
  });

  it.each(OF_DRIVER)('is a store out of reach wherever it says %i, which the driver tries again', (code) =>
    expectUnavailable(code, ALL),
  );

  it.each(Object.entries(OF_SERVER))('is a store out of reach if it is %s', async (_, codes) => {
    for (const code of codes) await expectUnavailable(code);
  });

  it('is a store out of reach if it wants credentials again, and the address has none', async () => {
    for (const operation of ALL) {
      expect([operation[1], await seen(operation, refusal(391))]).toEqual([operation[1], expect.any(StoreUnavailable)]);
    }
  });

  it.each([
    ['RetryableWriteError'],
    ['RetryableError'],
    ['TransientTransactionError'],
    ['SystemOverloadedError'],
    ['RetryableError', 'SystemOverloadedError', 'NoWritesPerformed'],
  ])('is a store out of reach if it is labelled %s', async (...errorLabels) => {
    for (const operation of FEW) {
      // The first wait between tries is random, up to twice this.
      const outcome = await seen(operation, { ...refusal(7_654), errorLabels, baseBackoffMS: 1 });
      expect([operation[1], outcome]).toEqual([operation[1], expect.any(StoreUnavailable)]);
    }
  });

  it.each(['not master', 'not master or secondary; cannot currently read', 'node is recovering'])(
    'is a store out of reach if it says "%s" and no code, as old servers do',
    async (errmsg) => {
      for (const operation of ALL) {
        const outcome = await seen(operation, { ok: 0, errmsg });
        expect([operation[1], outcome]).toEqual([operation[1], expect.any(StoreUnavailable)]);
      }
    },
  );

  it('is a store out of reach if the connection ends instead', async () => {
    for (const operation of ALL) {
      const outcome = await seen(operation, 'cut');
      expect([operation[1], outcome]).toEqual([operation[1], expect.any(StoreUnavailable)]);
      expect(describeError(outcome)).toMatchObject({ cause: { name: 'MongoNetworkError' } });
    }
  });

  it.each(REFUSALS)('is a refusal if it says %i', async (code) => {
    for (const { operation, form, answer } of answersWith(code, code === 26 ? FEW : ALL)) {
      const outcome = await seen(operation, answer);
      if (form === 'not confirmed') {
        expect([operation[1], form, outcome]).toEqual([operation[1], form, expect.any(StoreUnavailable)]);
        continue;
      }
      expect([operation[1], form, outcome]).toEqual([operation[1], form, expect.any(RefusedByServer)]);
      expect(describeError(outcome)).toMatchObject({ name: 'RefusedByServer', code: String(code) });
      expect(inspect(outcome, { depth: 20, showHidden: true })).not.toContain(PERSONAL);
    }
  });

  it.each([refusal(121), { ok: 0, errmsg: PERSONAL }, { ok: 0 }, { ok: 0, code: 'x', errmsg: PERSONAL }])(
    'is an error with a name whatever it says: %j',
    async (answer) => {
      for (const operation of ALL) {
        const outcome = await seen(operation, answer);
        expect([operation[1], outcome]).toEqual([operation[1], expect.any(RefusedByServer)]);
        expect(inspect(outcome, { depth: 20, showHidden: true })).not.toContain(PERSONAL);
      }
    },
  );

  it('is a store out of reach for a batch of which one part was broken off, whatever became of the others', async () => {
    const writeErrors = [11_000, 11_602, 121].map((code, index) => ({ index, code, errmsg: PERSONAL }));
    const documents = ['x', 'y', 'z'].map((_id) => ({ _id }));
    const batch: Operation = (things) => things.insertMany(documents, { ordered: false });
    const outcome = await seen(['insert', 'insertions', batch], { ok: 1, n: 0, writeErrors });
    expect(outcome).toBeInstanceOf(StoreUnavailable);
    const without = writeErrors.filter(({ code }) => code !== 11_602);
    expect(await seen(['insert', 'insertions', batch], { ok: 1, n: 0, writeErrors: without })).toMatchObject({
      name: 'RefusedByServer',
      code: '121',
    });
  });

  it('is asked again by the driver once, in the place of what it answered in an election', async () => {
    // Of a member of a set the driver repeats writes, too.
    proxy.hello = { setName: 'rs', hosts: [proxy.address], me: proxy.address, primary: proxy.address };
    const member = new MongoClient(inDatabase(throughOpenProxy(databases.url, proxy.address), db.databaseName), {
      minHeartbeatFrequencyMS: 5,
    });
    try {
      const things = member.db().collection<{ _id: string }>('things');
      for (const [command, what, operation] of [...READS.slice(0, 1), WRITES[0]!, WRITES[6]!, WRITES[10]!]) {
        const asked: string[] = [];
        proxy.answering = (told) => {
          if (nameOf(told) !== command) return undefined;
          asked.push(command);
          return asked.length === 1 ? { ...refusal(10_107), errorLabels: ['RetryableWriteError'] } : undefined;
        };
        await things.deleteOne({ _id: 'new' });
        expect([what, await operation(things, member.db()).then(() => 'done')]).toEqual([what, 'done']);
        expect(asked).toHaveLength(2);
      }
    } finally {
      await member.close();
    }
  });
});
