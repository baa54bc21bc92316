import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openDatabase } from './driver.js';
import { isBusy } from './driver-errors.js';
import { createPrivately } from './private-file.js';

/** Another server serves from this folder. */
export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse';
  constructor(
    readonly folder: string,
    options?: ErrorOptions,
  ) {
    super(
      `Another server is using the data folder ${folder}: stop it first, or set DATA_DIR to another folder`,
      options,
    );
  }
}

/** The garbage collector closes a connection that nobody refers to, and with it goes the lock. */
const held = new Set<Database>();

/**
 * Holds the folder for one server: a transaction that is never finished keeps the operating system's lock on a file, which
 * ends with the process however that ends.
 * @returns the way to let go
 * @throws DataFolderInUse
 */
export function lockDataFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'server.lock');
  createPrivately(file);
  const database = openDatabase(file, 0);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw isBusy(error) ? new DataFolderInUse(folder, { cause: error }) : error;
  }
  held.add(database);
  return () => {
    held.delete(database);
    database.exec('ROLLBACK');
    database.close();
  };
}
