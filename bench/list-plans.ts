import { join } from 'node:path';
import type { Cursor, CustomerViews, ListFilter } from '../src/customers/read-model/customer-views.js';
import { Connection } from '../src/stores/sqlite/connection.js';
import { pageOf } from '../src/stores/sqlite/customer-list.js';
import { tableOf } from '../src/stores/sqlite/customer-tables.js';

/** How the embedded store finds one page. */
export interface ListPlan {
  readonly name: string;
  /** In SQLite's words. */
  readonly plan: string;
  /** Entries of the index that were looked at; undefined when the plan does not bound them. */
  readonly examined: number | undefined;
  readonly limit: number;
}

const LIMIT = 10;

/**
 * SQLite counts nothing, but its plan tells: when one index alone finds the page, in its order, and every condition stands
 * in the search of that index, then each entry looked at is an entry of the page, or the one more that was asked for.
 */
export async function listPlans(dataDir: string, views: CustomerViews): Promise<readonly ListPlan[]> {
  const { live } = await views.generations();
  const connection = new Connection(join(dataDir, 'views.db'), 1000);
  try {
    const { middle, emailIndex } = examples(connection, tableOf(live));
    const explain = (name: string, filter: ListFilter, cursor?: Cursor): ListPlan =>
      explained(connection, name, pageOf(tableOf(live), filter, LIMIT, cursor, false));
    return [
      explain('list-10', {}),
      explain('list-middle', {}, { ...middle, direction: 'after' }),
      explain('list-email', { emailIndex }),
      explain('list-forget', { requestToBeForgotten: true }),
      explain('list-forget, middle', { requestToBeForgotten: true }, { ...middle, direction: 'after' }),
    ];
  } finally {
    connection.close();
  }
}

interface Examples {
  readonly middle: { readonly createdTime: string; readonly id: string };
  readonly emailIndex: string;
}

function examples(connection: Connection, table: string): Examples {
  const row = connection
    .query<[number, string, string]>(
      `SELECT created_ms, id, email_index FROM ${table} ORDER BY created_ms LIMIT 1 OFFSET (SELECT count(*) / 2 FROM ${table})`,
    )
    .get();
  if (row === undefined) throw new Error('There are no customers to list');
  const [created, id, emailIndex] = row;
  return { middle: { createdTime: new Date(created).toISOString(), id }, emailIndex };
}

function explained(connection: Connection, name: string, { sql, values }: ReturnType<typeof pageOf>): ListPlan {
  const steps = connection.query<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  const plan = steps.map(([, , , detail]) => detail).join('; ');
  const rows = connection.query<[string]>(sql).all(...values).length;
  return { name, plan, limit: LIMIT, examined: boundedBy(plan, sql) ? rows : undefined };
}

function boundedBy(plan: string, sql: string): boolean {
  const used = /^SEARCH \w+ USING (?:COVERING )?INDEX \w+ \((.*)\)$/.exec(plan)?.[1];
  const where = /WHERE (.*) ORDER BY/.exec(sql)?.[1];
  if (used === undefined || where === undefined) return false;
  const columnsOf = (text: string): string => (text.match(/[a-z_]{2,}/g) ?? []).filter((word) => word !== 'AND').join();
  return columnsOf(used) === columnsOf(where);
}
