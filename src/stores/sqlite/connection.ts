import Driver from 'libsql';

/** No boolean among them on purpose: binding one aborts the whole process (libsql 0.5). */
export type SqlValue = string | number | Uint8Array | null;
export type Row = readonly SqlValue[];

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
  private readonly driver: InstanceType<typeof Driver>;
  private readonly queries = new Map<string, unknown>();
  private closed = false;

  /** @param busyMs how long a statement may block the thread waiting for another process's lock */
  constructor(file: string, busyMs: number) {
    this.driver = new Driver(file, { timeout: busyMs });
  }

  get inTransaction(): boolean {
    return this.driver.inTransaction;
  }

  /** Statements without parameters and without rows; several may be given. */
  exec(sql: string): void {
    this.driver.exec(sql);
  }

  /** Prepared once per text. The caller states the row's columns, since nothing else writes these tables. */
  query<R extends Row>(sql: string): Query<R> {
    const known = this.queries.get(sql);
    if (known !== undefined) return known as Query<R>;
    const statement = this.driver.prepare(sql).raw();
    const query: Query<R> = {
      get: (...values) => this.alive(statement).get(values) as R | undefined,
      all: (...values) => this.alive(statement).all(values) as R[],
    };
    this.queries.set(sql, query);
    return query;
  }

  change(sql: string): Change {
    const statement = this.driver.prepare(sql);
    return { run: (...values) => this.alive(statement).run(values) };
  }

  /** A number that a pragma or an aggregate answers. */
  number(sql: string): number {
    const value = this.query<[SqlValue]>(sql).get()?.[0];
    if (typeof value !== 'number') throw new TypeError(`No number from: ${sql}`);
    return value;
  }

  close(): void {
    this.closed = true;
    this.queries.clear();
    this.driver.close();
  }

  /** A statement of libsql outlives its connection and would go on writing. */
  private alive<S>(statement: S): S {
    if (this.closed) throw new ConnectionClosed('The database was closed');
    return statement;
  }
}

export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}
