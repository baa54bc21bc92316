// The files of a data folder.
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';

/** @template T @param {(folder: string) => T | Promise<T>} work @returns {Promise<T>} */
export const inTemporaryFolder = async (work) => {
  const folder = mkdtempSync(join(tmpdir(), 'customers-released-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** SHA-256 of each file, hex. @param {string} folder @returns {Record<string, string>} */
export const sumsOf = (folder) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );

/** @param {string} folder */
export const bytesIn = (folder) =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

/**
 * Looks for rows that only the write-ahead log of a database has.
 * @param {string} folder of a service that was killed; it is not touched
 * @returns {Promise<string[]>} the databases without such a row
 */
export const withoutRowsInLog = (folder) =>
  inTemporaryFolder((copy) => {
    cpSync(folder, copy, { recursive: true });
    const databases = readdirSync(folder).filter((name) => name.endsWith('.db'));
    return databases.filter((name) => {
      const alone = join(copy, `alone-${name}`);
      copyFileSync(join(folder, name), alone);
      return contentsOf(alone) === contentsOf(join(copy, name));
    });
  });

/** @param {string} file */
const contentsOf = (file) => {
  const database = new DatabaseSync(file);
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    const rows = tables.all().map((/** @type {any} */ { name }) => database.prepare(`SELECT * FROM "${name}"`).all());
    return JSON.stringify(rows);
  } finally {
    database.close();
  }
};

/**
 * Begins to read a database: until the end of that, a command that closes it can not empty its write-ahead log.
 * @param {string} file
 * @returns {() => void} ends it
 */
export const holdBack = (file) => {
  const database = new DatabaseSync(file);
  database.exec('BEGIN');
  database.prepare('SELECT count(*) FROM sqlite_schema').get();
  return () => database.close();
};
