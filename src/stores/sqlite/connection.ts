import { type Database, IN_MEMORY, openDatabase, prepare, type Row, type SqlValue, type Statement } from './driver.js';
import { ConnectionClosed, costsTheConnection } from './driver-errors.js';
import { holdsNul, isOutOfRange, mayBeInexact, readExactly } from './exact-reading.js';
import { FileInPlace } from './file-in-place.js';

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
 * Settles a connection that was just opened.
 * @param again whether it had been open before, and was given up after a fault of the disk
 */
export type SetUp = (database: Database, again: boolean) => void;

/** So long the file is left alone after an attempt to open it anew: a disk may stay broken for hours. */
const REOPEN_AFTER_MS = 100;

/**
 * One connection. Everything is synchronous: between two statements of one turn nothing else runs in this process.
 *
 * Rows are read whole (`all`) or one (`get`), never iterated: an iteration left early keeps its snapshot, and with it
 * the write-ahead log, until the garbage collector comes by.
 *
 * After an I/O error, or one that says that the file is damaged, SQLite's memory and the disk may differ. The file is
 * then opened anew for the next statement outside a transaction, and statements prepared before go on working.
 */
export class Connection {
  /** Grows each time the file is opened anew: settings of the connection are then those of its set-up again. */
  opening = 0;
  private database: Database;
  private readonly place: FileInPlace;
  private readonly queries = new Map<string, unknown>();
  private state: 'open' | 'broken' | 'closed' = 'open';
  private fault: unknown;
  private reopenAt = 0;

  /** @param busyMs how long a statement may block the thread waiting for another process's lock */
  constructor(
    private readonly file: string,
    private readonly busyMs: number,
    private readonly setUp: SetUp = () => undefined,
  ) {
    this.database = this.open(false);
    this.place = new FileInPlace(file);
  }

  get inTransaction(): boolean {
    return this.database.isOpen && this.database.isTransaction;
  }

  /** Statements without parameters and without rows; several may be given. */
  exec(sql: string): void {
    this.noticing(() => this.usable().exec(sql));
  }

  /** Prepared once per text. The caller states the row's columns, since nothing else writes these tables. */
  query<R extends Row>(sql: string): Query<R> {
    const known = this.queries.get(sql);
    if (known !== undefined) return known as Query<R>;
    const statement = this.prepared(sql);
    const query: Query<R> = {
      get: (...values) => this.noticing(() => this.one(sql, statement(), values)) as R | undefined,
      all: (...values) => this.noticing(() => this.all(sql, statement(), values)) as R[],
    };
    this.queries.set(sql, query);
    return query;
  }

  /** Its `run` throws RangeError for a text with a NUL, which would be cut off there. */
  change(sql: string): Change {
    const statement = this.prepared(sql);
    return {
      run: (...values) => {
        if (values.some(holdsNul)) throw new RangeError('A text with a NUL cannot be stored');
        return this.noticing(() => statement().run(...values));
      },
    };
  }

  /** A number that a pragma or an aggregate answers. */
  number(sql: string): number {
    const value = this.query<[SqlValue]>(sql).get()?.[0];
    if (typeof value !== 'number') throw new TypeError(`No number from: ${sql}`);
    return value;
  }

  /** Ends a transaction that failed, if SQLite has not done so by itself. Where that fails too, it ends with the connection. */
  rollBack(): void {
    try {
      if (this.inTransaction) this.database.exec('ROLLBACK');
    } catch (error) {
      this.breakOff(error);
      closeQuietly(this.database);
    }
  }

  /** @throws FileMissing it was moved away or replaced: what is written to it from now on is lost */
  requireInPlace(): void {
    this.place.require();
  }

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.queries.clear();
    if (this.database.isOpen) this.database.close();
  }

  private one(sql: string, statement: Statement, values: Row): Row | undefined {
    if (values.some(holdsNul)) return readExactly(this.database, sql, statement, values)[0];
    try {
      const row = statement.get(...values) as Row | undefined;
      if (row === undefined || !mayBeInexact(row)) return row;
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
    }
    return readExactly(this.database, sql, statement, values)[0];
  }

  private all(sql: string, statement: Statement, values: Row): readonly Row[] {
    if (values.some(holdsNul)) return readExactly(this.database, sql, statement, values);
    try {
      const rows = statement.all(...values) as Row[];
      if (!rows.some(mayBeInexact)) return rows;
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
    }
    return readExactly(this.database, sql, statement, values);
  }

  /** A statement that is prepared again after the file was opened anew. */
  private prepared(sql: string): () => Statement {
    let statement = this.noticing(() => prepare(this.usable(), sql));
    let { opening } = this;
    return () => {
      const database = this.usable();
      if (opening !== this.opening) {
        statement = prepare(database, sql);
        ({ opening } = this);
      }
      return statement;
    };
  }

  private noticing<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (costsTheConnection(error)) this.breakOff(error);
      throw error;
    }
  }

  private breakOff(fault: unknown): void {
    if (this.state === 'closed' || this.file === IN_MEMORY) return;
    this.state = 'broken';
    this.fault = fault;
  }

  /** @throws ConnectionClosed, FileMissing, or what the driver says when the file can't be opened anew */
  private usable(): Database {
    if (this.state === 'closed') throw new ConnectionClosed('The database was closed');
    if (this.state === 'broken' && !this.inTransaction) this.reopen();
    return this.database;
  }

  private reopen(): void {
    const now = performance.now();
    if (now < this.reopenAt) throw this.fault;
    this.reopenAt = now + REOPEN_AFTER_MS;
    closeQuietly(this.database);
    this.place.require();
    this.database = this.open(true);
    this.state = 'open';
    this.opening += 1;
  }

  private open(again: boolean): Database {
    const database = openDatabase(this.file, this.busyMs);
    try {
      this.setUp(database, again);
      return database;
    } catch (error) {
      closeQuietly(database);
      throw error;
    }
  }
}

/** Its memory is freed now: the driver may close the file only when statements of it are collected. */
function closeQuietly(database: Database): void {
  try {
    if (database.isOpen) database.exec('PRAGMA shrink_memory');
  } catch {
    // It is given up in any case.
  }
  try {
    if (database.isOpen) database.close();
  } catch {
    // As above.
  }
}
