import type { Cursor, ListFilter, TimeRange } from '../../customers/read-model/customer-views.js';
import type { SqlValue } from './connection.js';
import { DOCUMENT_COLUMNS, milliseconds } from './customer-tables.js';

export interface ListStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** Up to so many customers updated in the wanted time are sorted; beyond that the pages' own order is walked. */
export const FEW = 1000;

/**
 * One page and an entry more, in the direction of travel. The index is named, so that the cost never hangs on statistics:
 * with a filter on id, email or forget request it bounds all that is looked at.
 */
export function pageOf(
  table: string,
  filter: ListFilter,
  limit: number,
  cursor: Cursor | undefined,
  fewUpdated: boolean,
): ListStatement {
  const terms = [...filterTerms(filter), ...orderTerms(filter.createdTime, cursor)];
  const order = cursor?.direction === 'before' ? 'ASC' : 'DESC';
  return {
    sql:
      `SELECT ${DOCUMENT_COLUMNS} FROM ${table} ${accessPath(table, filter, fewUpdated)} ` +
      `WHERE ${terms.map(({ sql }) => sql).join(' AND ')} ` +
      `ORDER BY created_ms ${order}, id ${order} LIMIT ?`,
    values: [...terms.flatMap(({ values }) => values), limit + 1],
  };
}

/** Counts the customers updated in the wanted time, but no further than just past {@link FEW}. */
export function countUpdated(table: string, range: TimeRange): ListStatement {
  const terms = [LISTED, ...within('updated_ms', boundsOf(range))];
  return {
    sql:
      `SELECT count(*) FROM (SELECT 1 FROM ${table} INDEXED BY ${table}_by_updated ` +
      `WHERE ${terms.map(({ sql }) => sql).join(' AND ')} LIMIT ${FEW + 1})`,
    values: terms.flatMap(({ values }) => values),
  };
}

/** Whether {@link countUpdated} has a say: a more telling filter settles the way already. */
export const dependsOnUpdated = ({ ids, emailIndex, updatedTime }: ListFilter): boolean =>
  updatedTime !== undefined && ids === undefined && emailIndex === undefined;

const LISTED: ListStatement = { sql: 'listed = 1', values: [] };

function accessPath(table: string, filter: ListFilter, fewUpdated: boolean): string {
  // The name SQLite gives the index of the primary key.
  if (filter.ids !== undefined) return `INDEXED BY sqlite_autoindex_${table}_1`;
  if (filter.emailIndex !== undefined) return `INDEXED BY ${table}_by_email`;
  if (fewUpdated) return `INDEXED BY ${table}_by_updated`;
  if (filter.requestToBeForgotten !== undefined) return `INDEXED BY ${table}_by_requested`;
  return `INDEXED BY ${table}_by_created`;
}

function filterTerms({ ids, emailIndex, requestToBeForgotten, updatedTime }: ListFilter): ListStatement[] {
  const terms = [LISTED];
  if (ids !== undefined) terms.push({ sql: 'id IN (SELECT value FROM json_each(?))', values: [JSON.stringify(ids)] });
  if (typeof emailIndex === 'string') terms.push({ sql: 'email_index = ?', values: [emailIndex] });
  else if (emailIndex !== undefined)
    terms.push({ sql: `email_index IN (${emailIndex.map(() => '?').join(', ')})`, values: emailIndex });
  if (requestToBeForgotten !== undefined)
    terms.push({ sql: `requested = ${requestToBeForgotten ? 1 : 0}`, values: [] });
  if (updatedTime !== undefined) terms.push(...within('updated_ms', boundsOf(updatedTime)));
  return terms;
}

/** The cursor and the range of `createdTime` as one lower and one upper bound, which the index can both use. */
function orderTerms(createdTime: TimeRange | undefined, cursor: Cursor | undefined): ListStatement[] {
  const { from, to } = boundsOf(createdTime ?? {});
  if (cursor === undefined) return within('created_ms', { from, to });
  const at = milliseconds(cursor.createdTime);
  const beyond = cursor.direction === 'after' ? '<' : '>';
  const pastCursor = { sql: `(created_ms, id) ${beyond} (?, ?)`, values: [at, cursor.id] };
  if (cursor.direction === 'after') {
    return to < at ? within('created_ms', { from, to }) : [pastCursor, ...within('created_ms', { from, to: Infinity })];
  }
  return from > at
    ? within('created_ms', { from, to })
    : [pastCursor, ...within('created_ms', { from: -Infinity, to })];
}

interface Bounds {
  readonly from: number;
  readonly to: number;
}

/** The stored times are whole milliseconds: every bound, whichever its operator, is an inclusive whole one. */
function boundsOf({ eq, gt, gte, lt, lte }: TimeRange): Bounds {
  const from = [eq, gte].filter((bound) => bound !== undefined).map((bound) => Math.ceil(bound));
  const to = [eq, lte].filter((bound) => bound !== undefined).map((bound) => Math.floor(bound));
  if (gt !== undefined) from.push(Math.floor(gt) + 1);
  if (lt !== undefined) to.push(Math.ceil(lt) - 1);
  return { from: Math.max(...from), to: Math.min(...to) };
}

function within(column: string, { from, to }: Bounds): ListStatement[] {
  const terms: ListStatement[] = [];
  if (from !== -Infinity) terms.push({ sql: `${column} >= ?`, values: [from] });
  if (to !== Infinity) terms.push({ sql: `${column} <= ?`, values: [to] });
  return terms;
}
