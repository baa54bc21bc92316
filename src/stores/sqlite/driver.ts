import type { DatabaseSyncInstance, DatabaseSyncOptions } from '@photostructure/sqlite';

/** In place of a file: a database that is gone with its connection. */
export const IN_MEMORY = ':memory:';

export type SqlValue = string | number | Uint8Array | null;
export type Row = readonly SqlValue[];

/** `node:sqlite` as far as the stores use it: what Node 24 and the package both have. */
export type Database = Pick<DatabaseSyncInstance, 'close' | 'exec' | 'isOpen' | 'isTransaction' | 'prepare'>;
export type Statement = ReturnType<Database['prepare']>;

/** Before 24, `node:sqlite` warns at each start, and some releases lack the busy timeout and rows as arrays. */
const BUILT_IN_SINCE = 24;

/** The one place that chooses: Node's own SQLite where it can be used, else the package with the same interface (ADR 15). */
const driver = await (Number.parseInt(process.versions.node, 10) >= BUILT_IN_SINCE
  ? import('node:sqlite')
  : import('@photostructure/sqlite'));

/** No schema here has foreign keys. `defensive` refuses SQL that would damage the file. */
const OPTIONS: DatabaseSyncOptions = { enableForeignKeyConstraints: false, defensive: true };

/** @param busyMs how long a statement may block the thread waiting for another process's lock */
export const openDatabase = (file: string, busyMs: number): Database =>
  new driver.DatabaseSync(file, { ...OPTIONS, timeout: busyMs });

/** Its rows come as arrays, in the order of the selected columns. */
export function prepare(database: Database, sql: string): Statement {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}
