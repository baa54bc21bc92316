import type { CustomerView } from '../../customers/read-model/customer-view.js';
import type { Cursor, ListFilter } from '../../customers/read-model/customer-views.js';
import { mongoDbDatabases } from '../../../test/support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../../../test/support/mongodb-server.js';
import { notRun } from '../../../test/support/not-run.js';
import { aView } from '../../../test/contracts/customer-view-samples.js';
import { INDEX, nameOf } from './customer-documents.js';
import { stretchesOf, updatedIn, FEW } from './customer-list.js';
import { MongoConnection } from './mongo-connection.js';
import { MongoCustomerViews, prepareCustomerViews } from './mongo-customer-views.js';

const START = Date.UTC(2026, 0, 1);
const SIZE = 5_000;
const LIMIT = 10;
const time = (n: number): string => new Date(START + n).toISOString();

/** Every third of them deleted, one in ten with a common address, one in ten asking to be forgotten; four a moment. */
const view = (n: number): CustomerView =>
  aView({
    id: `c${n}`,
    status: n % 3 === 0 ? 'deleted' : 'active',
    listed: n % 3 !== 0,
    createdTime: time(Math.floor(n / 4)),
    updatedTime: time(Math.floor(n / 4)),
    requestToBeForgotten: n % 10 === 1,
    ...(n % 10 === 1 && { forgetDueAt: time(n) }),
    ...(n % 10 === 2 && { emailIndex: 'common' }),
  });

interface Explained {
  readonly queryPlanner: { readonly winningPlan: object };
  readonly executionStats: {
    readonly nReturned: number;
    readonly totalKeysExamined: number;
    readonly totalDocsExamined: number;
  };
}

describe('the cost of a list on MongoDB', () => {
  if (!hasMongoDbServer()) {
    notRun('the cost of lists on MongoDB', NO_MONGODB);
    it.todo('needs a MongoDB server');
    return;
  }
  const databases = mongoDbDatabases();
  let connection: MongoConnection | undefined;
  let name: string;

  beforeAll(async () => {
    if (!databases.features.explains) {
      notRun('the cost of lists on MongoDB', 'The server looks into no index, or does not tell what it examined');
      return;
    }
    const fresh = databases.fresh();
    name = fresh.name;
    connection = new MongoConnection({ url: fresh.url, defaultDatabase: name });
    await prepareCustomerViews(connection);
    await new MongoCustomerViews(connection).save(Array.from({ length: SIZE }, (_, n) => view(n)));
  });
  afterAll(() => connection?.close());

  const customers = () => databases.client.db(name).collection(nameOf(1));
  const explain = async (stretch: object, options: object): Promise<Explained> =>
    (await customers().find(stretch, options).explain('executionStats')) as unknown as Explained;
  const examined = async (filter: ListFilter, cursor?: Cursor, few = false) => {
    const all: Explained[] = [];
    let wanted = LIMIT + 1;
    for (const { filter: where, ...options } of stretchesOf(filter, cursor, few)) {
      if (wanted === 0) break;
      const explained = await explain(where, { ...options, limit: wanted });
      all.push(explained);
      wanted -= explained.executionStats.nReturned;
    }
    const sum = (of: (one: Explained['executionStats']) => number): number =>
      all.reduce((total, { executionStats }) => total + of(executionStats), 0);
    return {
      plans: JSON.stringify(all.map(({ queryPlanner }) => queryPlanner.winningPlan)),
      found: sum(({ nReturned }) => nReturned),
      documents: sum(({ totalDocsExamined }) => totalDocsExamined),
      keys: sum(({ totalKeysExamined }) => totalKeysExamined),
      stretches: all.length,
    };
  };

  const after: Cursor = { direction: 'after', createdTime: time(600), id: 'c2401' };
  const before: Cursor = { direction: 'before', createdTime: time(30), id: 'c121' };
  const within = { createdTime: { gte: START + 5, lt: START + 1_000 } };

  it.each<[string, ListFilter, Cursor | undefined, string]>([
    ['all', {}, undefined, INDEX.created],
    ['all after a cursor', {}, after, INDEX.created],
    ['all before a cursor', {}, before, INDEX.created],
    ['created in a time', within, undefined, INDEX.created],
    ['created in a time, after a cursor', within, after, INDEX.created],
    ['created in a time, before a cursor', within, before, INDEX.created],
    ['of an address', { emailIndex: 'common' }, undefined, INDEX.email],
    ['of an address, after a cursor, created in a time', { emailIndex: 'common', ...within }, after, INDEX.email],
    ['of an address, before a cursor', { emailIndex: 'common' }, before, INDEX.email],
    ['who asked to be forgotten', { requestToBeForgotten: true }, undefined, INDEX.requested],
    ['who asked to be forgotten, after a cursor', { requestToBeForgotten: true }, after, INDEX.requested],
    ['who did not, before a cursor', { requestToBeForgotten: false }, before, INDEX.requested],
  ])('is that of the page and an entry more: %s', async (_, filter, cursor, index) => {
    if (!databases.features.explains) return;
    const { plans, found, documents, keys, stretches } = await examined(filter, cursor);
    expect(plans).toContain(`"indexName":"${index}"`);
    expect(plans).not.toMatch(/COLLSCAN|"stage":"SORT"/);
    expect([found, documents]).toEqual([LIMIT + 1, LIMIT + 1]);
    // Where a stretch ends the server looks at one key more.
    expect(keys).toBeLessThanOrEqual(LIMIT + 1 + stretches);
  });

  it('is that of the ids asked for', async () => {
    if (!databases.features.explains) return;
    const ids = Array.from({ length: 100 }, (_, n) => `c${n}`);
    const { plans, documents } = await examined({ ids });
    expect(plans).toContain('"indexName":"_id_"');
    expect(documents).toBeLessThanOrEqual(ids.length);
  });

  it('is that of the few updated in a time', async () => {
    if (!databases.features.explains) return;
    const { plans, documents } = await examined(
      { updatedTime: { gte: START + 100, lt: START + 120 } },
      undefined,
      true,
    );
    expect(plans).toContain(`"indexName":"${INDEX.updated}"`);
    expect(documents).toBeLessThanOrEqual(80);
  });

  it('is, of counting those updated in a time, bounded', async () => {
    if (!databases.features.explains) return;
    const count = { count: nameOf(1), query: updatedIn({ gte: START }), hint: INDEX.updated, limit: FEW + 1 };
    const told = await databases.client.db(name).command({ explain: count, verbosity: 'executionStats' });
    const { executionStats } = told as unknown as Explained;
    expect(executionStats.totalDocsExamined).toBe(0);
    expect(executionStats.totalKeysExamined).toBeLessThanOrEqual(FEW + 2);
  });

  it('is that of the due asked for', async () => {
    if (!databases.features.explains) return;
    const options = { hint: INDEX.due, sort: { forgetDueMs: 1, _id: 1 }, limit: LIMIT, projection: { _id: 1 } };
    const { executionStats } = await explain({ forgetDueMs: { $lte: START + SIZE } }, options);
    expect(executionStats.totalDocsExamined).toBe(0);
    expect(executionStats.totalKeysExamined).toBeLessThanOrEqual(LIMIT + 1);
  });
});
