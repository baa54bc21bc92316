import type { CustomerView } from '../../customers/read-model/customer-view.js';
import type { Connection } from './connection.js';
import { CHECKSUM_TRIGGER, type CheckedTable, requireIntact, RowDamaged, rowChecksum } from './row-checksums.js';

/** Which generation of tables is served, which is being built, and the number of the one to come. */
export const CUSTOMER_VIEWS_SCHEMA = `
  CREATE TABLE generations (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    live INTEGER NOT NULL,
    building INTEGER,
    next INTEGER NOT NULL
  );
  INSERT INTO generations VALUES (1, 1, NULL, 2);
  ${generationSchema(1)}`;

export function tableOf(generation: number): string {
  if (!Number.isSafeInteger(generation) || generation < 1) throw new RangeError('No generation has this number');
  return `customers_${generation}`;
}

/** The other columns are derived from the document, and are only looked up. */
export function checkedCustomers(table: string): CheckedTable {
  return { name: table, key: ['id'], columns: ['id', 'document'] };
}

/** Of each generation that there is. */
export const customersIn = (connection: Connection): readonly CheckedTable[] =>
  connection
    .query<[string]>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'customers_[0-9]*'")
    .all()
    .map(([name]) => checkedCustomers(name));

/**
 * All indexes of lists lead with `listed`, so that the stubs of deleted customers are not in their way, and end in the order
 * of the pages. `updated_ms` stands in the first one so that a filter on it need not visit the rows it refuses.
 */
export function generationSchema(generation: number): string {
  const table = tableOf(generation);
  return `
  CREATE TABLE ${table} (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    email_index TEXT,
    requested INTEGER NOT NULL,
    forget_due_ms INTEGER,
    document TEXT NOT NULL,
    checksum INTEGER
  );
  CREATE INDEX ${table}_by_created ON ${table} (listed, created_ms, id, updated_ms);
  CREATE INDEX ${table}_by_email ON ${table} (listed, email_index, created_ms, id) WHERE email_index IS NOT NULL;
  CREATE INDEX ${table}_by_requested ON ${table} (listed, requested, created_ms, id);
  CREATE INDEX ${table}_by_updated ON ${table} (listed, updated_ms);
  CREATE INDEX ${table}_by_due ON ${table} (forget_due_ms, id) WHERE forget_due_ms IS NOT NULL;
  ${CHECKSUM_TRIGGER(checkedCustomers(table))};`;
}

/** A view as a row, in the order of the columns. */
export type CustomerRow = readonly [
  id: string,
  version: number,
  listed: number,
  createdMs: number,
  updatedMs: number,
  emailIndex: string | null,
  requested: number,
  forgetDueMs: number | null,
  document: string,
  checksum: number,
];

/**
 * Writes only forward: a repeat and an overtaken writer change nothing. Most updates change none of the values that lists
 * look up; those touch two indexes instead of five, which halves their cost.
 */
export function upsertInto(connection: Connection, table: string): (row: CustomerRow) => void {
  const touch = connection.change(`
    UPDATE ${table} SET version = ?, updated_ms = ?, document = ?, checksum = ?
    WHERE id = ? AND version < ?
      AND listed = ? AND created_ms = ? AND email_index IS ? AND requested = ? AND forget_due_ms IS ?`);
  const upsert = connection.change(`
    INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
      version = excluded.version, listed = excluded.listed, created_ms = excluded.created_ms,
      updated_ms = excluded.updated_ms, email_index = excluded.email_index, requested = excluded.requested,
      forget_due_ms = excluded.forget_due_ms, document = excluded.document, checksum = excluded.checksum
    WHERE excluded.version > version`);
  return (row) => {
    const [id, version, listed, createdMs, updatedMs, emailIndex, requested, forgetDueMs, document, checksum] = row;
    const lookedUp = [listed, createdMs, emailIndex, requested, forgetDueMs];
    const touched =
      version > 0 && touch.run(version, updatedMs, document, checksum, id, version, ...lookedUp).changes > 0;
    if (!touched) upsert.run(...row);
  };
}

/** @throws RangeError a time that is none */
export function toRow(view: CustomerView): CustomerRow {
  const document = JSON.stringify(view);
  const due = view.status === 'active' && view.legalHold !== true ? view.forgetDueAt : undefined;
  return [
    view.id,
    view.version,
    view.listed ? 1 : 0,
    milliseconds(view.createdTime),
    milliseconds(view.updatedTime),
    view.emailIndex ?? null,
    view.requestToBeForgotten ? 1 : 0,
    due === undefined ? null : milliseconds(due),
    document,
    rowChecksum([view.id, document]),
  ];
}

/** What a view is read from. */
export const DOCUMENT_COLUMNS = 'id, document, checksum';
export type DocumentRow = readonly [id: string, document: string, checksum: number | null];

/** No check of its shape: only {@link toRow} writes these documents. @throws RowDamaged */
export function fromDocument([id, document, checksum]: DocumentRow): CustomerView {
  requireIntact('customers', [id, document], checksum);
  return parsed(document);
}

function parsed(document: string): CustomerView {
  try {
    return JSON.parse(document) as CustomerView;
  } catch (error) {
    throw new RowDamaged('customers', { cause: error });
  }
}

export function milliseconds(time: string): number {
  const value = Date.parse(time);
  if (Number.isNaN(value)) throw new RangeError('A view with a time that is none');
  return value;
}
