import type { CustomerView } from '../../customers/read-model/customer-view.js';
import type { Cursor, ListFilter } from '../../customers/read-model/customer-views.js';
import { IN_MEMORY, SqliteDatabase } from './database.js';
import { SqliteCustomerViews } from './sqlite-customer-views.js';
import { viewsDatabase } from './sqlite-stores.js';

const START = Date.UTC(2026, 0, 1);
const time = (n: number): string => new Date(START + n).toISOString();

/** Every third of them deleted, one in ten with a common address, one in ten asking to be forgotten. */
const view = (n: number): CustomerView => ({
  id: `c${n}`,
  version: 0,
  status: n % 3 === 0 ? 'deleted' : 'active',
  life: 1,
  listed: n % 3 !== 0,
  createdTime: time(Math.floor(n / 4)),
  updatedTime: time(Math.floor(n / 4)),
  enabled: true,
  requestToBeForgotten: n % 10 === 1,
  sources: [],
  taxCertificates: [],
  ...(n % 10 === 2 && { emailIndex: 'common' }),
});

async function populated(size: number): Promise<{ database: SqliteDatabase; views: SqliteCustomerViews }> {
  const database = await SqliteDatabase.open(viewsDatabase(IN_MEMORY));
  const views = new SqliteCustomerViews(database);
  await views.save(Array.from({ length: size }, (_, n) => view(n)));
  return { database, views };
}

describe('the cost of a list', () => {
  let small: Awaited<ReturnType<typeof populated>>;
  let large: Awaited<ReturnType<typeof populated>>;

  beforeAll(async () => {
    [small, large] = await Promise.all([populated(1_000), populated(20_000)]);
  });
  afterAll(async () => {
    await small.database.close();
    await large.database.close();
  });

  /** The work SQLite did for a list, in steps of its virtual machine, and whether it sorted or scanned. */
  const workOf = async (
    { database, views }: typeof small,
    ...query: [ListFilter, number, Cursor?]
  ): Promise<{ steps: number; sorts: number; found: number }> => {
    const total = (): readonly [number, number] => {
      const sum = "SELECT sum(nstep), sum(nsort + nscan) FROM sqlite_stmt WHERE sql LIKE 'SELECT document%'";
      const [steps, sorts] = database.reader.query<[number | null, number | null]>(sum).get() ?? [0, 0];
      return [steps ?? 0, sorts ?? 0];
    };
    const before = total();
    const found = (await views.list(...query)).views.length;
    const after = total();
    return { steps: after[0] - before[0], sorts: after[1] - before[1], found };
  };
  /** What one entry more costs, by lists that differ in nothing else. */
  const stepsAnEntry = async (filter: ListFilter): Promise<number> =>
    ((await workOf(small, filter, 20)).steps - (await workOf(small, filter, 10)).steps) / 10;

  const after: Cursor = { direction: 'after', createdTime: time(200), id: 'c801' };
  const before: Cursor = { direction: 'before', createdTime: time(30), id: 'c121' };
  const within = { createdTime: { gte: START + 5, lt: START + 230 } };

  it.each<[string, ListFilter, Cursor | undefined]>([
    ['all', {}, undefined],
    ['all after a cursor', {}, after],
    ['all before a cursor', {}, before],
    ['created in a time', within, undefined],
    ['created in a time, after a cursor', within, after],
    ['created in a time, before a cursor', within, before],
    ['of an address', { emailIndex: 'common' }, undefined],
    ['of an address, after a cursor, created in a time', { emailIndex: 'common', ...within }, after],
    ['of an address, before a cursor', { emailIndex: 'common' }, before],
    ['who asked to be forgotten', { requestToBeForgotten: true }, undefined],
    ['who asked to be forgotten, after a cursor', { requestToBeForgotten: true }, after],
    [
      'who asked to be forgotten, before a cursor, created in a time',
      { requestToBeForgotten: true, ...within },
      before,
    ],
    ['who did not ask to be forgotten', { requestToBeForgotten: false }, before],
  ])('is that of the page and an entry more, whatever the number of customers: %s', async (_, filter, cursor) => {
    const limit = 10;
    const [few, many] = [await workOf(small, filter, limit, cursor), await workOf(large, filter, limit, cursor)];
    expect([few.found, many.found]).toEqual([limit, limit]);
    expect([few.sorts, many.sorts]).toEqual([0, 0]);
    const entry = await stepsAnEntry(filter);
    const overhead = 100;
    for (const { steps } of [few, many]) expect(steps).toBeLessThanOrEqual((limit + 1) * entry + overhead);
    expect(many.steps).toBe(few.steps);
  });

  it('is that of the ids asked for', async () => {
    const ids = Array.from({ length: 100 }, (_, n) => `c${n}`);
    const [few, many] = [await workOf(small, { ids }, 10), await workOf(large, { ids }, 10)];
    expect(many.steps).toBe(few.steps);
  });

  it('is that of the few updated in a time', async () => {
    const updatedTime = { gte: START + 100, lt: START + 120 };
    const [few, many] = [await workOf(small, { updatedTime }, 10), await workOf(large, { updatedTime }, 10)];
    expect(many.steps).toBe(few.steps);
  });

  it('is that of the page when many were updated in a time', async () => {
    const many = await workOf(large, { updatedTime: { gte: START + 500 } }, 10);
    expect(many).toMatchObject({ found: 10, sorts: 0 });
    expect(many.steps).toBeLessThan(400);
  });

  it('uses the whole of the index also among customers of one moment', async () => {
    const { database, views } = await populated(0);
    await views.save(Array.from({ length: 5_000 }, (_, n) => ({ ...view(3 * n + 1), createdTime: time(0) })));
    const work = await workOf({ database, views }, {}, 10, { direction: 'after', createdTime: time(0), id: 'c5' });
    expect(work.steps).toBeLessThan(300);
    await database.close();
  });

  it.each([
    ['one customer', () => large.views.get('c7'), 'SELECT live, (SELECT document FROM customers_1%'],
    ['the due', () => large.views.dueForErasure(START, 10), 'SELECT id FROM customers_1 WHERE forget_due_ms%'],
  ])('of %s does not grow either', async (_, ask, sql) => {
    const steps = (): number =>
      large.database.reader.query<[number]>('SELECT sum(nstep) FROM sqlite_stmt WHERE sql LIKE ?').get(sql)![0];
    await ask();
    const was = steps();
    await ask();
    expect(steps() - was).toBeGreaterThan(0);
    expect(steps() - was).toBeLessThan(60);
  });
});
