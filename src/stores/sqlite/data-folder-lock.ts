import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
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
  const driver = new Driver(file, { timeout: 0 });
  try {
    driver.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    driver.close();
    throw isBusy(error) ? new DataFolderInUse(folder, { cause: error }) : error;
  }
  return () => {
    driver.exec('ROLLBACK');
    driver.close();
  };
}
