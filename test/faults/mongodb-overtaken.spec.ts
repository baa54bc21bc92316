import { randomUUID } from 'node:crypto';
import type { Document } from 'mongodb';
import type { Checkpoint } from '../../src/event-sourcing/checkpoints.js';
import type { Position } from '../../src/event-sourcing/event-store.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { API_KEY_COLLECTIONS, MongoApiKeys } from '../../src/stores/mongodb/mongo-api-keys.js';
import { AUDIT_COLLECTIONS, MongoAuditTree } from '../../src/stores/mongodb/mongo-audit-tree.js';
import { CHECKPOINT_COLLECTIONS, MongoCheckpoints } from '../../src/stores/mongodb/mongo-checkpoints.js';
import { MongoConnection } from '../../src/stores/mongodb/mongo-connection.js';
import { MongoCustomerViews, prepareCustomerViews } from '../../src/stores/mongodb/mongo-customer-views.js';
import { MongoReceipts, RECEIPT_COLLECTIONS } from '../../src/stores/mongodb/mongo-receipts.js';
import { prepare } from '../../src/stores/mongodb/mongo-stores.js';
import { MongoSubjectKeys, SUBJECT_KEY_COLLECTIONS } from '../../src/stores/mongodb/mongo-subject-keys.js';
import { MongoWebhooks, WEBHOOK_COLLECTIONS } from '../../src/stores/mongodb/mongo-webhooks.js';
import { aView } from '../contracts/customer-view-samples.js';
import { aKey } from '../contracts/subject-keys.contract.js';
import { AnsweringProxy, nameOf } from '../support/mongodb-answers.js';
import { mongoDbDatabases } from '../support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { inDatabase, throughOpenProxy } from '../support/mongodb-url.js';
import { notRun } from '../support/not-run.js';
import { TestClock } from '../support/test-clock.js';

const AT = Date.UTC(2026, 0, 1);
const at = (position: string): Checkpoint => ({ logId: 'log', position: position as Position });
const storesOn = (connection: MongoConnection) => ({
  connection,
  views: new MongoCustomerViews(connection, 0),
  checkpoints: new MongoCheckpoints(connection, 'read_model', new TestClock()),
  keys: new MongoSubjectKeys(connection),
  webhooks: new MongoWebhooks(connection),
  receipts: new MongoReceipts(connection),
  tree: new MongoAuditTree(connection),
  apiKeys: new MongoApiKeys(connection),
});
type Stores = ReturnType<typeof storesOn>;

/**
 * Two who insert the same document at once: one of them is told of a duplicate key, also where its filter would let the
 * other's pass. Where a server does one command after the other, the wire says it in its place.
 */
describe('a write that another overtakes between its look-up and its insertion', () => {
  if (!hasMongoDbServer()) {
    notRun('overtaken writes on MongoDB', NO_MONGODB);
    it.todo('needs a server that speaks the protocol of MongoDB');
    return;
  }
  const databases = mongoDbDatabases();
  let proxy: AnsweringProxy;
  let mine: Stores;
  let rival: Stores;
  let database: string;

  beforeAll(async () => {
    proxy = await AnsweringProxy.to(databases.url);
    const { name, url } = databases.fresh();
    database = name;
    const throughWire = inDatabase(throughOpenProxy(databases.url, proxy.address), name);
    const connect = (to: string) => storesOn(new MongoConnection({ url: to, defaultDatabase: name }));
    [mine, rival] = [connect(throughWire), connect(url)];
    await prepareCustomerViews(rival.connection);
    await prepare(rival.connection, 'read_model', [
      ...CHECKPOINT_COLLECTIONS,
      ...SUBJECT_KEY_COLLECTIONS,
      ...WEBHOOK_COLLECTIONS,
      ...RECEIPT_COLLECTIONS,
      ...AUDIT_COLLECTIONS,
      ...API_KEY_COLLECTIONS,
    ]);
  });
  afterEach(() => {
    proxy.answering = () => undefined;
  });
  afterAll(async () => {
    await mine.connection.close();
    await rival.connection.close();
    proxy.close();
  });

  /** Lets the rival go first at the first insertion, upsert or not, that comes; that one is then told of the duplicate. */
  const overtakenBy = (overtake: () => Promise<unknown>): void => {
    let done = false;
    proxy.answering = async (command) => {
      const writes = insertionsIn(command);
      if (done || writes.length === 0) return undefined;
      done = true;
      await overtake();
      return nameOf(command) === 'findAndModify' ? { ok: 0, ...DUPLICATE } : taken(writes);
    };
  };
  const DUPLICATE = { code: 11_000, errmsg: 'E11000 duplicate key error' };
  const taken = (writes: readonly Document[]): Document => ({
    ok: 1,
    n: 0,
    nModified: 0,
    writeErrors: writes.map((_, index) => ({ index, ...DUPLICATE })),
  });
  const insertionsIn = (command: Document): readonly Document[] => {
    if (nameOf(command) === 'insert') return command['documents'];
    if (nameOf(command) === 'update') return command['updates'].filter(({ upsert }: Document) => upsert === true);
    return nameOf(command) === 'findAndModify' && command['upsert'] === true ? [command] : [];
  };

  const VERSIONS = [0, 1, 2, 3];
  const ORDERS = VERSIONS.flatMap((own) => VERSIONS.map((other) => [own, other] as const));

  it.each(ORDERS)('leaves the newest view: version %i, overtaken by version %i', async (own, other) => {
    const id = randomUUID();
    overtakenBy(() => rival.views.save([aView({ id, version: other, locale: 'rival' })]));
    await mine.views.save([aView({ id, version: own, locale: 'mine' })]);
    expect(await rival.views.get(id)).toMatchObject({
      version: Math.max(own, other),
      locale: own > other ? 'mine' : 'rival',
    });
  });

  it('leaves the newest of each customer of a batch', async () => {
    // First versions are another command of the batch.
    const updates = ORDERS.filter(([own]) => own > 0);
    const customers = updates.map(([own, other]) => ({ id: randomUUID(), own, other }));
    overtakenBy(() => rival.views.save(customers.map(({ id, other }) => aView({ id, version: other }))));
    await mine.views.save(customers.map(({ id, own }) => aView({ id, version: own })));
    expect(await rival.views.versions(customers.map(({ id }) => id))).toEqual(
      new Map(customers.map(({ id, own, other }) => [id, Math.max(own, other)])),
    );
  });

  it('leaves the newest, too, where the server stops at the first and each is written alone', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    let asked = 0;
    proxy.answering = async (command) => {
      const writes = insertionsIn(command);
      if (writes.length === 0) return undefined;
      asked += 1;
      if (asked > 2) return undefined;
      if (asked === 2) await rival.views.save([first, second].map((id) => aView({ id, version: 1 })));
      return taken(writes.slice(0, 1));
    };
    await mine.views.save([first, second].map((id) => aView({ id, version: 2 })));
    expect(Object.fromEntries(await rival.views.versions([first, second]))).toEqual({ [first]: 2, [second]: 2 });
  });

  it('is tried again when the document that was in its way is gone', async () => {
    const id = randomUUID();
    const customers = () => databases.client.db(database).collection('customers_1');
    overtakenBy(() => customers().deleteMany({}));
    await mine.views.save([aView({ id, version: 3 })]);
    expect(await rival.views.versions([id])).toEqual(new Map([[id, 3]]));
  });

  it('is given up, as one that may be repeated later, when it is told so each time', async () => {
    let asked = 0;
    proxy.answering = (command) => {
      asked += 1;
      const writes = insertionsIn(command);
      return writes.length === 0 ? undefined : taken(writes);
    };
    const refused = expect(mine.views.save([aView({ version: 3 })])).rejects;
    await refused.toMatchObject({ name: 'StoreUnavailable', cause: { name: 'OvertakenTooOften' } });
    await expect(mine.checkpoints.save(randomUUID(), at('1'))).rejects.toThrow(StoreUnavailable);
    expect(asked).toBeLessThan(50);
  });

  it('saves the first checkpoint, without a lease and under one, unless a newer holder has', async () => {
    const free = randomUUID();
    overtakenBy(() => rival.checkpoints.save(free, at('1')));
    expect(await mine.checkpoints.save(free, at('2'))).toBe(true);
    expect(await rival.checkpoints.load(free)).toEqual(at('2'));

    const held = randomUUID();
    const lease = (await rival.checkpoints.acquire(held, 'a', 1_000))!;
    overtakenBy(() => rival.checkpoints.save(held, at('1'), lease));
    expect(await mine.checkpoints.save(held, at('2'), lease)).toBe(true);
    expect(await rival.checkpoints.load(held)).toEqual(at('2'));

    const lost = randomUUID();
    const first = (await rival.checkpoints.acquire(lost, 'a', 1_000))!;
    overtakenBy(async () => {
      await rival.checkpoints.release(first);
      const next = (await rival.checkpoints.acquire(lost, 'b', 1_000))!;
      await rival.checkpoints.save(lost, at('9'), next);
    });
    expect(await mine.checkpoints.save(lost, at('2'), first)).toBe(false);
    expect(await rival.checkpoints.load(lost)).toEqual(at('9'));
  });

  it('takes a new lease for one of two, and for the same who asks twice', async () => {
    const [theirs, own] = [randomUUID(), randomUUID()];
    overtakenBy(() => rival.checkpoints.acquire(theirs, 'rival', 1_000));
    expect(await mine.checkpoints.acquire(theirs, 'mine', 1_000)).toBeUndefined();
    overtakenBy(() => rival.checkpoints.acquire(own, 'mine', 1_000));
    expect(await mine.checkpoints.acquire(own, 'mine', 1_000)).toMatchObject({ owner: 'mine', epoch: 1 });
  });

  it('finds the key that another made, or the fence that another put up', async () => {
    const [made, fenced, destroyed] = [randomUUID(), randomUUID(), randomUUID()].map((subject) => ({
      subject,
      revision: 1,
    }));
    const theirs = aKey();
    overtakenBy(() => rival.keys.create(made!, theirs));
    expect(await mine.keys.create(made!, aKey())).toEqual({ status: 'active', ...theirs });
    overtakenBy(() => rival.keys.destroy(fenced!));
    expect(await mine.keys.create(fenced!, aKey())).toEqual({ status: 'erased' });
    overtakenBy(() => rival.keys.create(destroyed!, theirs));
    expect(await mine.keys.destroy(destroyed!)).toEqual({ fingerprint: theirs.fingerprint });
    expect(await rival.keys.find(destroyed!)).toMatchObject({ status: 'erased' });
    const secret = randomUUID();
    overtakenBy(() => rival.keys.secret(secret, theirs));
    expect(await mine.keys.secret(secret, aKey())).toEqual(theirs);
  });

  it('notes all that is to be delivered, to the furthest end and from the earliest beginning', async () => {
    const endpointId = randomUUID();
    const work = ORDERS.map(([own, other]) => ({ customerId: randomUUID(), own: own + 1, other: other + 1 }));
    const lanes = (of: 'own' | 'other') =>
      work.map((lane) => ({ endpointId, customerId: lane.customerId, next: 0, end: lane[of] }));
    overtakenBy(() => rival.webhooks.enqueue(lanes('other'), AT));
    await mine.webhooks.enqueue(lanes('own'), AT);
    const stored = await rival.webhooks.lanes(endpointId, { limit: 100 });
    expect(new Map(stored.map(({ customerId, end }) => [customerId, end]))).toEqual(
      new Map(work.map(({ customerId, own, other }) => [customerId, Math.max(own, other)])),
    );
    const replayed = randomUUID();
    const lane = { endpointId: replayed, customerId: 'c', next: 4, end: 9 };
    overtakenBy(() => rival.webhooks.enqueue([lane], AT));
    await mine.webhooks.rewind([{ ...lane, next: 2 }], 'replay', AT);
    expect(await rival.webhooks.lanes(replayed, { limit: 1 })).toMatchObject([{ next: 2, end: 9 }]);
  });

  it('keeps the erasure that was noted first, and the earliest time of each subscriber', async () => {
    const ref = { subject: randomUUID(), revision: 1 };
    const noted = (time: number) => [{ ref, at: time, position: '1' as Position }];
    overtakenBy(() => rival.receipts.note(noted(AT)));
    await mine.receipts.note(noted(AT + 1));
    expect(await rival.receipts.pending(10)).toEqual(noted(AT));
    overtakenBy(() => rival.receipts.told(ref, 'w', AT + 5));
    await mine.receipts.acknowledged(ref, 'w', AT + 3);
    expect(await rival.receipts.subscribers(ref)).toEqual([{ webhookId: 'w', toldAt: AT + 3, acknowledgedAt: AT + 3 }]);
  });

  it('has one audit tree, whose leaves and checkpoints are there once', async () => {
    const leaf = (index: number) => ({
      index,
      eventId: randomUUID(),
      stream: 's',
      revision: index,
      position: String(index) as Position,
      entry: new Uint8Array([index]),
    });
    overtakenBy(() => rival.tree.id());
    const id = await mine.tree.id();
    expect(await rival.tree.id()).toBe(id);
    const leaves = [leaf(0), leaf(1)];
    overtakenBy(() => rival.tree.append(leaves, []));
    expect(await mine.tree.append(leaves, [])).toBe(false);
    expect(await rival.tree.leaves(0, 10)).toEqual(leaves);
    overtakenBy(() => rival.tree.beginAnew());
    await mine.tree.beginAnew();
    expect(await rival.tree.size()).toBe(0);
  });

  it('makes the pointer to the generations once', async () => {
    const { name } = databases.fresh();
    const url = inDatabase(throughOpenProxy(databases.url, proxy.address), name);
    const late = new MongoConnection({ url, defaultDatabase: name });
    const early = new MongoConnection({ url: inDatabase(databases.url, name), defaultDatabase: name });
    try {
      overtakenBy(() => prepareCustomerViews(early));
      await prepareCustomerViews(late);
      expect(await new MongoCustomerViews(late, 0).generations()).toEqual({ live: 1 });
    } finally {
      await Promise.all([late.close(), early.close()]);
      await databases.drop(name);
    }
  });

  it('adds an API key once, and one first key', async () => {
    const key = { id: randomUUID(), name: 'n', scopes: [], createdAt: AT, secretHash: randomUUID() };
    overtakenBy(() => rival.apiKeys.addFirst(key));
    expect(await mine.apiKeys.addFirst({ ...key, id: 'other', secretHash: 'other' })).toBe(false);
    await expect(mine.apiKeys.add(key)).rejects.toThrow('already');
    expect(await rival.apiKeys.list()).toEqual([key]);
  });
});
