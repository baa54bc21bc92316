import { setTimeout as delay } from 'node:timers/promises';
import { Long } from 'mongodb';
import type { Checkpoint } from '../../src/event-sourcing/checkpoints.js';
import type { Position } from '../../src/event-sourcing/event-store.js';
import type { StoreName } from '../../src/event-sourcing/store-errors.js';
import { nameOf } from '../../src/stores/mongodb/customer-documents.js';
import { API_KEY_COLLECTIONS, MongoApiKeys } from '../../src/stores/mongodb/mongo-api-keys.js';
import { CHECKPOINT_COLLECTIONS, MongoCheckpoints } from '../../src/stores/mongodb/mongo-checkpoints.js';
import { MongoConnection } from '../../src/stores/mongodb/mongo-connection.js';
import { MongoCustomerViews, prepareCustomerViews } from '../../src/stores/mongodb/mongo-customer-views.js';
import { openMongoReadModel, openMongoSubjectKeys, prepare } from '../../src/stores/mongodb/mongo-stores.js';
import { MongoSubjectKeys, SUBJECT_KEY_COLLECTIONS } from '../../src/stores/mongodb/mongo-subject-keys.js';
import { aView } from '../contracts/customer-view-samples.js';
import { aKey } from '../contracts/subject-keys.contract.js';
import { mongoDbDatabases } from '../support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { TestClock } from '../support/test-clock.js';

/** Stops before an operation of its choice until it is let go. */
class PausingConnection extends MongoConnection {
  private before = 0;
  private reached: (() => void) | undefined;
  private go: Promise<void> | undefined;

  /** @returns what lets it go on, once it has come to its n-th operation from now */
  pauseBefore(nth: number): Promise<() => void> {
    this.before = nth;
    return new Promise((resolve) => {
      this.go = new Promise((goOn) => {
        this.reached = () => resolve(goOn);
      });
    });
  }

  override run<T>(...[store, work, ms]: Parameters<typeof MongoConnection.prototype.run<T>>): Promise<T> {
    const pausing: typeof work = async (db) => {
      this.before -= 1;
      if (this.before === 0) {
        this.reached?.();
        await this.go;
      }
      return work(db);
    };
    return super.run(store, pausing, ms);
  }
}

describe('several instances on MongoDB', () => {
  if (!hasMongoDbServer()) {
    notRun('several instances on MongoDB', NO_MONGODB);
    it.todo('needs a server that speaks the protocol of MongoDB');
    return;
  }
  const databases = mongoDbDatabases();
  let name: string;
  let url: string;
  let connections: MongoConnection[];

  beforeEach(() => {
    ({ name, url } = databases.fresh());
    connections = [];
  });
  afterEach(async () => {
    for (const connection of connections) await connection.close();
    await databases.drop(name);
  });
  const connect = (operationMs?: number): PausingConnection => {
    const options = { url, defaultDatabase: name, ...(operationMs !== undefined && { operationMs }) };
    const connection = new PausingConnection(options);
    connections.push(connection);
    return connection;
  };

  describe('during a rebuild', () => {
    let views: MongoCustomerViews;
    /** Looks at the pointer as seldom as it may. */
    let other: MongoCustomerViews;

    beforeEach(async () => {
      const [one, two] = [connect(), connect()];
      await prepareCustomerViews(one);
      [views, other] = [new MongoCustomerViews(one), new MongoCustomerViews(two)];
    });
    const inCollection = async (generation: number): Promise<string[]> => {
      const found = await databases.client.db(name).collection(nameOf(generation)).find({}).toArray();
      return found.map(({ _id }) => String(_id)).sort();
    };

    it('both read what either has just written, before, while and after they follow the switch', async () => {
      await views.save([aView({ id: 'a' })]);
      const generation = await views.startBuilding();
      // Two periods, in which everyone follows, and then the log up to its end.
      await delay(2_000);
      await views.save([aView({ id: 'a' })], generation);
      await other.get('a');
      await views.goLive(generation);
      const until = performance.now() + 2_000;
      for (let n = 0; performance.now() < until; n += 1) {
        const [mine, theirs] = [`mine${n}`, `theirs${n}`];
        await views.save([aView({ id: mine })]);
        await other.save([aView({ id: theirs })]);
        expect((await other.get(mine))?.id).toBe(mine);
        expect((await views.get(theirs))?.id).toBe(theirs);
      }
      let dropped = false;
      const dropping = views.dropGeneration(1).then(() => (dropped = true));
      for (let n = 0; !dropped; n += 1) {
        await other.save([aView({ id: `late${n}` })]);
        expect((await views.get(`late${n}`))?.id).toBe(`late${n}`);
      }
      await dropping;
      expect((await other.get('a'))?.id).toBe('a');
      await other.save([aView({ id: 'last' })]);
      expect(await inCollection(1)).toEqual([]);
      expect(await inCollection(generation)).toContain('last');
    });

    it('writes of every instance go to the new one, too, within a second', async () => {
      await other.save([aView({ id: 'before' })]);
      const generation = await views.startBuilding();
      await delay(1_000);
      await other.save([aView({ id: 'after' })]);
      expect(await inCollection(1)).toEqual(['after', 'before']);
      expect(await inCollection(generation)).toEqual(['after']);
    });

    it('what was not written to the new one is in none, so that the projector sees that it is missing', async () => {
      const connection = connect();
      const failing = new MongoCustomerViews(connection);
      const generation = await views.startBuilding();
      await failing.generations();
      const paused = connection.pauseBefore(2);
      const saving = failing.save([aView({ id: 'a' })]);
      const goOn = await paused;
      // Its first write is about to happen; the wire breaks there.
      await connection.close();
      goOn();
      await expect(saving).rejects.toThrow('out of reach');
      expect([await inCollection(1), await inCollection(generation)]).toEqual([[], []]);

      const half = connect();
      const pausedHalfWay = half.pauseBefore(3);
      const savingHalf = new MongoCustomerViews(half).save([aView({ id: 'b' })]);
      const goOnHalfWay = await pausedHalfWay;
      await half.close();
      goOnHalfWay();
      await expect(savingHalf).rejects.toThrow('out of reach');
      expect([await inCollection(1), await inCollection(generation)]).toEqual([[], ['b']]);
      expect(await views.versions(['b'])).toEqual(new Map());
    });

    it('nothing is served by who cannot tell which generation is live', async () => {
      await other.get('a');
      await databases.client.db(name).collection('generations').deleteMany({});
      await expect(
        (async () => {
          for (const until = performance.now() + 1_500; performance.now() < until;) {
            await other.get('a');
            await delay(20);
          }
        })(),
      ).rejects.toThrow('out of reach');
      await expect(other.save([aView()])).rejects.toThrow('out of reach');
      await expect(other.health()).rejects.toThrow('out of reach');
    });

    it('an answer that came so late that its generation may be gone is not given', async () => {
      // The operation itself has time, and the pointer is not read again: only how old that reading is counts.
      const connection = connect(20_000);
      const late = new MongoCustomerViews(connection, 60_000);
      await late.get('a');
      const paused = connection.pauseBefore(1);
      const refused = expect(late.get('a')).rejects.toThrow('out of reach');
      const goOn = await paused;
      await delay(2_000);
      goOn();
      await refused;
    });

    it('of two that begin to build at once one is told, and the other can go live', async () => {
      const outcomes = await Promise.allSettled([views.startBuilding(), other.startBuilding()]);
      const begun = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
      expect(begun.length).toBeGreaterThan(0);
      const { building } = await views.generations();
      expect(begun).toContain(building);
      await views.goLive(building!);
      expect(await other.generations()).toEqual({ live: building });
    });
  });

  describe('of which one is overtaken', () => {
    const at = (position: string): Checkpoint => ({ logId: 'log', position: position as Position });

    it('cannot put back a checkpoint that its successor has saved, even if it was just about to', async () => {
      const clock = new TestClock();
      const slow = connect();
      await prepare(slow, 'read_model', CHECKPOINT_COLLECTIONS);
      const [overtaken, successor] = [slow, connect()].map((one) => new MongoCheckpoints(one, 'read_model', clock));
      const lease = (await overtaken!.acquire('f', 'a', 1_000))!;
      await overtaken!.save('f', at('5'), lease);
      const paused = slow.pauseBefore(2);
      const saving = overtaken!.save('f', at('6'), lease);
      const goOn = await paused;
      clock.advance(1_000);
      const newer = (await successor!.acquire('f', 'b', 1_000))!;
      await successor!.save('f', at('9'), newer);
      goOn();
      expect(await saving).toBe(false);
      expect(await successor!.load('f')).toEqual(at('9'));
    });

    it('does not hold a lease by an earlier turn of its own', async () => {
      const clock = new TestClock();
      const connection = connect();
      await prepare(connection, 'read_model', CHECKPOINT_COLLECTIONS);
      const checkpoints = new MongoCheckpoints(connection, 'read_model', clock);
      const first = (await checkpoints.acquire('f', 'a', 1_000))!;
      await checkpoints.release(first);
      await checkpoints.release((await checkpoints.acquire('f', 'b', 1_000))!);
      const second = (await checkpoints.acquire('f', 'a', 1_000))!;
      expect(await checkpoints.renew(first, 9_000)).toBe(false);
      await checkpoints.release(first);
      expect(await checkpoints.acquire('f', 'b', 1_000)).toBeUndefined();
      expect(await checkpoints.renew(second, 1_000)).toBe(true);
    });

    it('cannot make its key the first one', async () => {
      const slow = connect();
      await prepare(slow, 'api_keys', API_KEY_COLLECTIONS);
      const [late, early] = [new MongoApiKeys(slow), new MongoApiKeys(connect())];
      const key = (id: string) => ({ id, name: id, scopes: [], createdAt: 1, secretHash: id });
      const paused = slow.pauseBefore(2);
      const adding = late.addFirst(key('late'));
      const goOn = await paused;
      expect(await early.addFirst(key('early'))).toBe(true);
      goOn();
      expect(await adding).toBe(false);
      expect((await early.list()).map(({ id }) => id)).toEqual(['early']);
    });
  });

  it('open the same databases at once, and say once each what the server lacks', async () => {
    const keys = databases.fresh();
    const lines: string[][] = [];
    const opened = await Promise.all(
      Array.from({ length: 4 }, async (_, n) => {
        const said: string[] = (lines[n] = []);
        const options = {
          clock: new TestClock(),
          log: (line: string) => {
            said.push(line);
          },
        };
        return [
          await openMongoReadModel({ ...options, url }),
          await openMongoSubjectKeys({ ...options, url: keys.url }),
        ] as const;
      }),
    );
    try {
      const [[first], [second]] = [opened[0]!, opened[1]!];
      await first.customerViews.save([aView({ id: 'a' })]);
      expect(await second.customerViews.get('a')).toMatchObject({ id: 'a' });
      expect(await second.customerViews.generations()).toEqual({ live: 1 });
      const owners = opened.flatMap(([views, store]) => [views.checkpoints.owner, store.keyCheckpoints.owner]);
      expect(new Set(owners).size).toBe(owners.length);
      expect(lines.map((said) => said.length <= 2)).toEqual([true, true, true, true]);
      if (!databases.features.validates)
        expect(lines[0]).toEqual([expect.stringContaining('$jsonSchema'), expect.any(String)]);
      expect(lines.flat().join()).not.toContain(databases.host);
    } finally {
      for (const stores of opened) for (const store of stores) await store.close();
      await databases.drop(keys.name);
    }
  });

  it('write the rest of a batch also where the server stops at the first that is there already', async () => {
    const connection = connect();
    await prepareCustomerViews(connection);
    const views = new MongoCustomerViews(connection);
    await views.save([aView({ id: 'b', version: 5 }), aView({ id: 'd' })]);
    await views.save([
      ...['a', 'b', 'c', 'e'].map((id) => aView({ id, version: 2 })),
      ...['f', 'd', 'g'].map((id) => aView({ id })),
    ]);
    const versions = await views.versions(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(Object.fromEntries(versions)).toEqual({ a: 2, b: 5, c: 2, d: 0, e: 2, f: 0, g: 0 });
  });

  it('leaves of a destroyed key nothing but its fingerprint', async () => {
    const connection = connect();
    await prepare(connection, 'subject_keys', SUBJECT_KEY_COLLECTIONS);
    const keys = new MongoSubjectKeys(connection);
    const [ref, key] = [{ subject: 'a', revision: 1 }, aKey()];
    await keys.create(ref, key);
    await keys.destroy(ref);
    const [left] = await databases.client.db(name).collection('subject_keys').find({}).toArray();
    expect(left).toEqual({ _id: expect.anything(), ...ref, erased: true, fingerprint: key.fingerprint });
  });

  it('keeps to the database in the address, and to its own where none is named', async () => {
    const nameIn = async (address: string): Promise<string> => {
      const connection = new MongoConnection({ url: address, defaultDatabase: 'the_default' });
      connections.push(connection);
      const store: StoreName = 'read_model';
      return connection.run(store, (db) => Promise.resolve(db.databaseName));
    };
    const { host, port } = databases;
    expect(await nameIn(`mongodb://${host}:${port}`)).toBe('the_default');
    expect(await nameIn(`mongodb://${host}:${port}/?appName=x/y`)).toBe('the_default');
    expect(await nameIn(`mongodb://user:p%2Fq@${host}:${port},h:1/shop%5F1?authSource=admin`)).toBe('shop_1');
  });

  it('reads 64-bit integers, as other clients write them, as numbers', async () => {
    const connection = connect();
    await prepareCustomerViews(connection);
    const views = new MongoCustomerViews(connection);
    await views.save([aView({ id: 'a', version: 3 })]);
    const customers = databases.client.db(name).collection(nameOf(1));
    await customers.updateOne({}, { $set: { version: Long.fromNumber(3), 'view.version': Long.fromNumber(3) } });
    expect(await views.versions(['a'])).toEqual(new Map([['a', 3]]));
    expect(await views.get('a')).toMatchObject({ version: 3 });
    await views.save([aView({ id: 'a', version: 2 })]);
    expect(await views.versions(['a'])).toEqual(new Map([['a', 3]]));
    await views.save([aView({ id: 'a', version: 4 })]);
    expect(await views.versions(['a'])).toEqual(new Map([['a', 4]]));
  });
});
