import { crc32 } from 'node:zlib';
import { MalformedEvent } from '../../event-sourcing/envelope.js';
import type { Connection, SqlValue } from './connection.js';

/** A table whose rows carry a checksum, in a column of that name, of what is answered from them. */
export interface CheckedTable {
  readonly name: string;
  /** Of its primary key. */
  readonly key: readonly string[];
  /** What the checksum covers, in this order. */
  readonly columns: readonly string[];
  /** A row that an older release wrote stays as long as it is, without a checksum. */
  readonly keepsOldRows?: true;
}

/** A row is not what was written there: the disk changed it. Answered as `log_altered`, like an altered event. */
export class RowDamaged extends MalformedEvent {
  constructor(
    readonly table: string,
    options?: ErrorOptions,
  ) {
    super(`A row of ${table} is not what was written there`, options);
  }
}

/** Each checksum takes six bytes in a row, so that one is written over another without moving what stands behind it. */
const BASE = 2 ** 40;

/** Against the disk, not against people: for those the events have a chain of hashes. */
export function rowChecksum(values: readonly SqlValue[]): number {
  let [sum, text] = [0, ''];
  for (const value of values) {
    if (value instanceof Uint8Array) {
      sum = crc32(value, crc32(`${text}${value.length}b`, sum));
      text = '';
    } else text += typeof value === 'string' ? `${value.length}:${value}` : `${value};`;
  }
  return BASE + crc32(text, sum);
}

/** @param checksum null in a row that an older release wrote, or that somebody changed by hand */
export const isIntactRow = (values: readonly SqlValue[], checksum: number | null): boolean =>
  checksum === null || checksum === rowChecksum(values);

/** @throws RowDamaged */
export function requireIntact(table: string, values: readonly SqlValue[], checksum: number | null): void {
  if (!isIntactRow(values, checksum)) throw new RowDamaged(table);
}

/**
 * Whoever changes a row by hand leaves it without a checksum: what people do is found by the chain of hashes, and told with
 * what the row holds now.
 */
export const CHECKSUM_TRIGGER = ({ name, key, columns }: CheckedTable): string => `
  CREATE TRIGGER ${name}_changed AFTER UPDATE OF ${columns.join(', ')} ON ${name}
  WHEN NEW.checksum IS NOT NULL AND NEW.checksum IS OLD.checksum
  BEGIN UPDATE ${name} SET checksum = NULL WHERE ${key.map((column) => `${column} = NEW.${column}`).join(' AND ')}; END`;

/** Gives the rows of an older file their checksums, in the transaction that brings it up to date. */
export function addChecksums(connection: Connection, table: CheckedTable): void {
  const { name, key, columns } = table;
  connection.exec(`ALTER TABLE ${name} ADD COLUMN checksum INTEGER; ${CHECKSUM_TRIGGER(table)}`);
  if (table.keepsOldRows === true) return;
  const is = key.map((column) => `${column} = ?`).join(' AND ');
  const set = connection.change(`UPDATE ${name} SET checksum = ? WHERE ${is}`);
  for (const rows of pagesOf(connection, { name, key, columns }))
    for (const { place, values } of rows) set.run(rowChecksum(values), ...place);
}

/** How many rows are not what was written there. @param onRows told after some more rows */
export function damagedRows(
  connection: Connection,
  table: CheckedTable,
  onRows: (count: number) => void = () => undefined,
): number {
  let damaged = 0;
  for (const rows of pagesOf(connection, table)) {
    damaged += rows.filter(({ values, checksum }) => checksum !== null && checksum !== rowChecksum(values)).length;
    onRows(rows.length);
  }
  return damaged;
}

interface CheckedRow {
  readonly place: SqlValue[];
  readonly values: SqlValue[];
  readonly checksum: SqlValue;
}

const PAGE = 500;

function* pagesOf(connection: Connection, { name, key, columns }: CheckedTable): Iterable<readonly CheckedRow[]> {
  const keys = key.join(', ');
  const select = `SELECT ${[...key, 'checksum', ...columns].join(', ')} FROM ${name}`;
  const first = connection.query(`${select} ORDER BY ${keys} LIMIT ${PAGE}`);
  const next = connection.query(
    `${select} WHERE (${keys}) > (${key.map(() => '?').join()}) ORDER BY ${keys} LIMIT ${PAGE}`,
  );
  for (let place: SqlValue[] = []; ;) {
    const rows = (place.length === 0 ? first.all() : next.all(...place)).map((row) => ({
      place: row.slice(0, key.length),
      checksum: row[key.length] ?? null,
      values: row.slice(key.length + 1),
    }));
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    place = rows.at(-1)?.place ?? [];
  }
}
