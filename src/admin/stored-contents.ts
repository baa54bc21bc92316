import { createReadStream, existsSync, type Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openStores } from '../adapters.js';
import type { Config } from '../config.js';
import { batches } from '../event-sourcing/batches.js';
import { withTables } from '../stores/sqlite/table-contents.js';

/** Some bytes of a place, and how much of the place has been handed out with them: 0 to 1, about. */
export type Take = (place: string, piece: Uint8Array, fraction: number) => void;

/** How every database of SQLite begins. */
const MAGIC = Buffer.from('SQLite format 3\0');
const PIECE = 1024 * 1024;
const BATCH = 200;

/**
 * Hands out everything the service keeps, in pieces: the bytes of every file of the data folder, then what the embedded
 * databases, MongoDB and the event log say they hold (a long value lies in pieces in the files, and a server has its own).
 * @param passOver a file that is no part of it
 * @throws StoreUnavailable and the errors of files: what could not be looked at must not count as clean
 */
export async function takeContents(config: Config, take: Take, passOver?: string): Promise<void> {
  const files = existsSync(config.dataDir) ? await filesIn(config.dataDir) : [];
  // First of all: a process that closes a file loses its locks on it, also those of an open database.
  const databases: File[] = [];
  for (const file of files) {
    if (file.path !== passOver && (await takeFile(file, take))) databases.push(file);
  }
  for (const { name, path } of databases) takeTables(name, path, take);
  const { mongodbUrl, keysMongodbUrl } = config;
  if (mongodbUrl !== undefined) await takeCollections('MONGODB_URL', mongodbUrl, 'customers', take);
  if (keysMongodbUrl !== undefined) await takeCollections('KEYS_MONGODB_URL', keysMongodbUrl, 'customers_keys', take);
  if (config.eventstoreUrl !== undefined) await takeLog(config, take);
}

interface File {
  readonly name: string;
  readonly path: string;
  readonly size: number;
}

async function filesIn(folder: string): Promise<readonly File[]> {
  const names = await readdir(folder, { recursive: true });
  const found: File[] = [];
  for (const name of names.sort()) {
    const path = resolve(join(folder, name));
    // Files of a running service come and go.
    const stats: Stats | undefined = await lstat(path).catch(unlessGone);
    if (stats?.isFile() === true) found.push({ name, path, size: stats.size });
  }
  return found;
}

/** @returns whether it is a database of SQLite */
async function takeFile({ name, path, size }: File, take: Take): Promise<boolean> {
  let read = 0;
  let isDatabase = false;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE })) {
      if (!(piece instanceof Uint8Array)) continue;
      if (read === 0) isDatabase = Buffer.from(piece.subarray(0, MAGIC.length)).equals(MAGIC);
      read += piece.length;
      take(`file ${name}`, piece, read / size);
    }
  } catch (error) {
    unlessGone(error);
  }
  return isDatabase;
}

function takeTables(file: string, path: string, take: Take): void {
  withTables(path, (tables) => {
    for (const table of tables) {
      let passed = 0;
      for (const rows of table.pieces()) {
        passed += rows.length;
        for (const row of rows) take(`table ${table.name} in ${file}`, row, passed / table.rows);
      }
    }
  });
}

async function takeCollections(setting: string, url: string, database: string, take: Take): Promise<void> {
  // The driver takes a third of a second to load.
  const { withCollections } = await import('../stores/mongodb/database-contents.js');
  await withCollections(url, database, async (collections) => {
    for (const { name, documents, pieces } of collections) {
      let passed = 0;
      for await (const page of pieces()) {
        passed += page.length;
        for (const document of page) take(`collection ${name} (${setting})`, document, passed / documents);
      }
    }
  });
}

async function takeLog(config: Config, take: Take): Promise<void> {
  const stores = await openStores(config, { exclusive: false });
  const done = new AbortController();
  try {
    const { eventStore } = stores;
    const head = await eventStore.head();
    for await (const batch of batches(eventStore.subscribe({ signal: done.signal }), BATCH)) {
      const { position, caughtUp, events } = batch;
      const fraction = position === undefined || head === undefined ? 1 : eventStore.fraction(position, head);
      for (const event of events)
        take('the event log (EVENTSTORE_URL)', Buffer.from(`${JSON.stringify(event)}\n`), fraction);
      if (caughtUp) done.abort();
    }
  } finally {
    done.abort();
    await stores.close();
  }
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
