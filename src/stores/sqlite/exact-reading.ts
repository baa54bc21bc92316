import type { Database, Row, SqlValue, Statement } from './driver.js';
import { hasCode, hasMessage } from './error-fields.js';

/**
 * What text that is no UTF-8 reads as: no stored text equals it, and no parser takes it. So a damaged cell is a fault of
 * its row and of no other.
 */
export const NOT_TEXT = '\ud800';

const REPLACEMENT = '\ufffd';
const NUL = '\0';
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The driver replaces bytes that are no UTF-8: a text with a replacement in it may be another than the stored one. */
export const mayBeInexact = (row: Row): boolean =>
  row.some((cell) => typeof cell === 'string' && cell.includes(REPLACEMENT));

/** The package of Node 20 cuts off a text at its first NUL, both when it is bound and when it is read. */
export const holdsNul = (value: SqlValue): boolean => typeof value === 'string' && value.includes(NUL);

/** Whether the driver refused to read an integer that no number can hold. From `all`, the package gives no code. */
export const isOutOfRange = (error: unknown): boolean =>
  hasCode(error, 'ERR_OUT_OF_RANGE') || hasMessage(error, /^Value is too large to be represented/);

/**
 * The rows of a query, each text decoded from its bytes. Slower than the driver's own reading, which replaces what is no
 * text and refuses a whole page for one integer that no number can hold: that integer is rounded here.
 */
export function readExactly(database: Database, sql: string, prepared: Statement, values: Row): readonly Row[] {
  const names = prepared.columns().map((_, index) => `c${index}`);
  const cells = names.map((name) => `typeof(${name}), iif(typeof(${name}) = 'text', CAST(${name} AS BLOB), ${name})`);
  const bound = values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value));
  const statement = database.prepare(
    `WITH found(${names.join(', ')}) AS (${withTextAsBytes(sql, values)}) SELECT ${cells.join(', ')} FROM found`,
  );
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  const rows: readonly (readonly Cell[])[] = statement.all(...bound);
  return rows.map((row) => names.map((_, index) => toValue(row[2 * index], row[2 * index + 1])));
}

type Cell = SqlValue | bigint;

/** No statement here has a question mark that is not a parameter. */
function withTextAsBytes(sql: string, values: Row): string {
  const [first = '', ...others] = sql.split('?');
  const parameter = (index: number): string => (typeof values[index] === 'string' ? 'CAST(? AS TEXT)' : '?');
  return others.reduce((text, part, index) => `${text}${parameter(index)}${part}`, first);
}

function toValue(type: Cell = null, value: Cell = null): SqlValue {
  if (typeof value === 'bigint') return Number(value);
  return type === 'text' && value instanceof Uint8Array ? toText(value) : value;
}

function toText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return NOT_TEXT;
  }
}
