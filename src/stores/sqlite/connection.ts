import { type Database, openDatabase, prepare, type Row, type SqlValue, type Statement } from './driver.js';
import { holdsNul, isOutOfRange, mayBeInexact, readExactly } from './exact-reading.js';

export type { Row, SqlValue };

/** A prepared statement that gives rows as arrays, in the order of the selected columns. */
export interface Query<R extends Row> {
  get(...values: SqlValue[]): R | undefined;
  all(...values: SqlValue[]): R[];
}

export interface Change {
  run(...values: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
}

/**
 * One connection. Everything is synchronous: between two statements of one turn nothing else runs in this process.
 *
 * Rows are read whole (`all`) or one (`get`), never iterated: an iteration left early keeps its snapshot, and with it
 * the write-ahead log, until the garbage collector comes by.
 */
export class Connection {
  private readonly database: Database;
  private readonly queries = new Map<string, unknown>();
  private closed = false;

  /** @param busyMs how long a statement may block the thread waiting for another process's lock */
  constructor(file: string, busyMs: number) {
    this.database = openDatabase(file, busyMs);
  }

  get inTransaction(): boolean {
    return !this.closed && this.database.isTransaction;
  }

  /** Statements without parameters and without rows; several may be given. */
  exec(sql: string): void {
    this.alive().exec(sql);
  }

  /** Prepared once per text. The caller states the row's columns, since nothing else writes these tables. */
  query<R extends Row>(sql: string): Query<R> {
    const known = this.queries.get(sql);
    if (known !== undefined) return known as Query<R>;
    const statement = prepare(this.alive(), sql);
    const query: Query<R> = {
      get: (...values) => this.one(sql, statement, values) as R | undefined,
      all: (...values) => this.all(sql, statement, values) as R[],
    };
    this.queries.set(sql, query);
    return query;
  }

  /** Its `run` throws RangeError for a text with a NUL, which would be cut off there. */
  change(sql: string): Change {
    const statement = prepare(this.alive(), sql);
    return {
      run: (...values) => {
        this.alive();
        if (values.some(holdsNul)) throw new RangeError('A text with a NUL cannot be stored');
        return statement.run(...values);
      },
    };
  }

  /** A number that a pragma or an aggregate answers. */
  number(sql: string): number {
    const value = this.query<[SqlValue]>(sql).get()?.[0];
    if (typeof value !== 'number') throw new TypeError(`No number from: ${sql}`);
    return value;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.queries.clear();
    this.database.close();
  }

  private one(sql: string, statement: Statement, values: Row): Row | undefined {
    const database = this.alive();
    if (values.some(holdsNul)) return readExactly(database, sql, statement, values)[0];
    try {
      const row = statement.get(...values) as Row | undefined;
      if (row === undefined || !mayBeInexact(row)) return row;
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
    }
    return readExactly(database, sql, statement, values)[0];
  }

  private all(sql: string, statement: Statement, values: Row): readonly Row[] {
    const database = this.alive();
    if (values.some(holdsNul)) return readExactly(database, sql, statement, values);
    try {
      const rows = statement.all(...values) as Row[];
      if (!rows.some(mayBeInexact)) return rows;
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
    }
    return readExactly(database, sql, statement, values);
  }

  private alive(): Database {
    if (this.closed) throw new ConnectionClosed('The database was closed');
    return this.database;
  }
}

export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}
