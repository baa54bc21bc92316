import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import type { CustomerView } from '../../customers/read-model/customer-view.js';
import type { Cursor, ListFilter } from '../../customers/read-model/customer-views.js';
import type { Query, Row, SqlValue } from './connection.js';
import { SqliteDatabase } from './database.js';
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

interface Work {
  /** Rows and index entries that passed the bounds of the index. */
  readonly seen: number;
  /** Steps of the plan that sort, or go through a whole table. */
  readonly sorts: number;
}

/** Customers in a file, and a connection of the driver's own that does the work of a list again and counts. */
class Populated {
  private readonly asked: { readonly sql: string; readonly values: readonly SqlValue[] }[] = [];

  private constructor(
    private readonly folder: string,
    readonly database: SqliteDatabase,
    readonly views: SqliteCustomerViews,
  ) {
    const { reader } = database;
    const query = reader.query.bind(reader);
    reader.query = <R extends Row>(sql: string): Query<R> => {
      const { all, get } = query<R>(sql);
      return {
        all: (...values) => all(...this.noted(sql, values)),
        get: (...values) => get(...this.noted(sql, values)),
      };
    };
  }

  static async with(customers: readonly CustomerView[]): Promise<Populated> {
    const folder = mkdtempSync(join(tmpdir(), 'customers-'));
    const database = await SqliteDatabase.open(viewsDatabase(join(folder, 'views.db')));
    const views = new SqliteCustomerViews(database);
    await views.save(customers);
    return new Populated(folder, database, views);
  }

  /** Of the statements that begin so. */
  async workOf<T>(beginning: string, ask: () => Promise<T>): Promise<Work & { readonly answer: T }> {
    this.asked.length = 0;
    const answer = await ask();
    const counter = new DatabaseSync(join(this.folder, 'views.db'));
    let [seen, sorts] = [0, 0];
    counter.function('seen', (_listed: number) => (seen += 1));
    for (const { sql, values } of this.asked.filter((statement) => statement.sql.startsWith(beginning))) {
      counter.prepare(sql.replace(/WHERE | ON /, '$&seen(listed) AND ')).all(...values);
      const plan = counter.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { readonly detail: string }[];
      sorts += plan.filter(({ detail }) => /TEMP B-TREE|^SCAN customers_\d+$/.test(detail)).length;
    }
    counter.close();
    return { seen, sorts, answer };
  }

  private noted(sql: string, values: SqlValue[]): SqlValue[] {
    this.asked.push({ sql, values });
    return values;
  }

  async close(): Promise<void> {
    await this.database.close();
    rmSync(this.folder, { recursive: true });
  }
}

const customers = (size: number): readonly CustomerView[] => Array.from({ length: size }, (_, n) => view(n));

describe('the cost of a list', () => {
  let small: Populated;
  let large: Populated;

  beforeAll(async () => {
    [small, large] = await Promise.all([Populated.with(customers(1_000)), Populated.with(customers(20_000))]);
  });
  afterAll(() => Promise.all([small.close(), large.close()]));

  const workOf = async (
    populated: Populated,
    ...query: [ListFilter, number, Cursor?]
  ): Promise<Work & { found: number }> => {
    const { answer, ...work } = await populated.workOf('SELECT id, document', () => populated.views.list(...query));
    return { ...work, found: answer.views.length };
  };

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
    // Among those of the cursor's own moment SQLite looks at its own entry too.
    expect(few.seen).toBeGreaterThan(limit);
    expect(few.seen).toBeLessThanOrEqual(limit + 2);
    expect(many.seen).toBe(few.seen);
  });

  it('is that of the ids asked for', async () => {
    const ids = Array.from({ length: 100 }, (_, n) => `c${n}`);
    const [few, many] = [await workOf(small, { ids }, 10), await workOf(large, { ids }, 10)];
    expect(many.seen).toBe(few.seen);
  });

  it('is that of the few updated in a time', async () => {
    const updatedTime = { gte: START + 100, lt: START + 120 };
    const [few, many] = [await workOf(small, { updatedTime }, 10), await workOf(large, { updatedTime }, 10)];
    expect(many.seen).toBe(few.seen);
  });

  it('is that of the page when many were updated in a time', async () => {
    const many = await workOf(large, { updatedTime: { gte: START + 500 } }, 10);
    expect(many).toMatchObject({ found: 10, sorts: 0 });
    expect(many.seen).toBeLessThan(100);
  });

  it('uses the whole of the index also among customers of one moment', async () => {
    const sameMoment = Array.from({ length: 5_000 }, (_, n) => ({ ...view(3 * n + 1), createdTime: time(0) }));
    const populated = await Populated.with(sameMoment);
    const work = await workOf(populated, {}, 10, { direction: 'after', createdTime: time(0), id: 'c5' });
    expect(work).toEqual({ seen: 11, sorts: 0, found: 10 });
    await populated.close();
  });

  it.each<[string, string, () => Promise<unknown>, number]>([
    ['one customer', 'SELECT live, document', () => large.views.get('c7'), 1],
    ['the due', 'SELECT id FROM', () => large.views.dueForErasure(START, 10), 0],
  ])('of %s does not grow either', async (_, beginning, ask, rows) => {
    const { seen, sorts } = await large.workOf(beginning, ask);
    expect({ seen, sorts }).toEqual({ seen: rows, sorts: 0 });
  });
});
