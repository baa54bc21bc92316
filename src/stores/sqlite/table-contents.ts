import { Connection, type SqlValue } from './connection.js';

export interface TableContents {
  readonly name: string;
  readonly rows: number;
  /** Some rows at a time, each as its cells' bytes. */
  pieces(): Iterable<readonly Uint8Array[]>;
}

const PAGE = 200;
const FIRST = Number.MIN_SAFE_INTEGER;
const BUSY_MS = 2_000;

/**
 * Everything in the tables of a database file, a page of rows at a time. What lies in the file's bytes is not enough: a
 * long value is cut in pieces there. The file may be in use.
 */
export function withTables<T>(file: string, work: (tables: readonly TableContents[]) => T): T {
  const connection = new Connection(file, BUSY_MS);
  try {
    connection.exec('PRAGMA query_only = ON');
    const names = connection
      .query<[string]>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all()
      .map(([name]) => name);
    return work(names.map((name) => contentsOf(connection, name)));
  } finally {
    connection.close();
  }
}

function contentsOf(connection: Connection, name: string): TableContents {
  const table = quoted(name);
  // Text as its bytes: what follows a NUL, or is no UTF-8, is looked through as well.
  const cells = connection
    .query<[string]>('SELECT name FROM pragma_table_info(?)')
    .all(name)
    .map(([column]) => `iif(typeof(${quoted(column)}) = 'text', CAST(${quoted(column)} AS BLOB), ${quoted(column)})`);
  // Where a table has no row numbers, rows are counted off: those are small.
  const numbered = hasRowNumbers(connection, name);
  const place = numbered ? 'WHERE rowid > ? ORDER BY rowid LIMIT ?' : 'WHERE ? < 0 LIMIT ? OFFSET ?';
  const page = connection.query(`SELECT ${numbered ? 'rowid' : '0'}, ${cells.join(', ')} FROM ${table} ${place}`);
  return {
    name,
    rows: connection.number(`SELECT count(*) FROM ${table}`),
    *pieces() {
      let after = FIRST;
      for (let passed = 0; ; passed += PAGE) {
        const rows = numbered ? page.all(after, PAGE) : page.all(-1, PAGE, passed);
        if (rows.length === 0) return;
        yield rows.map(([, ...values]) => Buffer.concat(values.map(bytesOf)));
        after = Number(rows.at(-1)?.[0]);
      }
    },
  };
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const hasRowNumbers = (connection: Connection, name: string): boolean =>
  connection.query<[number]>("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?").get(name)?.[0] ===
  0;

/** A zero byte behind each, so that no value is found across two cells. */
const bytesOf = (cell: SqlValue): Buffer =>
  Buffer.concat([cell instanceof Uint8Array ? cell : Buffer.from(String(cell ?? '')), Buffer.of(0)]);
