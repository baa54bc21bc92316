import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ApiKeys } from '../../access/api-keys.js';
import type { CustomerViews } from '../../customers/read-model/customer-views.js';
import type { Checkpoints } from '../../event-sourcing/checkpoints.js';
import { type Clock, SystemClock } from '../../event-sourcing/clock.js';
import type { EventStore } from '../../event-sourcing/event-store.js';
import type { SubjectKeys } from '../../privacy/subject-keys.js';
import { CUSTOMER_VIEWS_SCHEMA } from './customer-tables.js';
import { lockDataFolder } from './data-folder-lock.js';
import { type DatabaseOptions, IN_MEMORY, SqliteDatabase } from './database.js';
import { API_KEYS_SCHEMA, SqliteApiKeys } from './sqlite-api-keys.js';
import { CHECKPOINTS_SCHEMA, SqliteCheckpoints } from './sqlite-checkpoints.js';
import { SqliteCustomerViews } from './sqlite-customer-views.js';
import { SqliteEventStore } from './sqlite-event-store.js';
import { SqliteSubjectKeys, SUBJECT_KEYS_SCHEMA } from './sqlite-subject-keys.js';

export type SqliteStoresOptions = { readonly clock?: Clock } & (
  | {
      /** Made when absent, for its owner only. */
      readonly dataDir: string;
      /** Whether to be the one server of the folder; true unless said otherwise. Commands beside a server open without. */
      readonly lock?: boolean;
    }
  /** Gone at the end. */
  | { readonly memory: true }
);

export interface SqliteStores {
  readonly eventStore: EventStore;
  readonly customerViews: CustomerViews;
  readonly subjectKeys: SubjectKeys;
  /** In the file of the views. */
  readonly checkpoints: Checkpoints;
  /** In the file of the keys. */
  readonly keyCheckpoints: Checkpoints;
  readonly apiKeys: ApiKeys;
  /** Finishes what is being written and leaves each file whole, without a write-ahead log. */
  close(): Promise<void>;
}

/**
 * @throws DataFolderInUse
 * @throws StoreUnavailable a file that can't be read or is no database
 */
export async function openSqliteStores(options: SqliteStoresOptions): Promise<SqliteStores> {
  const closing: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    return { ...(await openAll(options, (end) => closing.push(end))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openAll(
  options: SqliteStoresOptions,
  atClose: (end: () => void | Promise<void>) => void,
): Promise<Omit<SqliteStores, 'close'>> {
  const clock = options.clock ?? new SystemClock();
  const folder = 'dataDir' in options ? resolve(options.dataDir) : undefined;
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (folder !== undefined && 'dataDir' in options && options.lock !== false) atClose(lockDataFolder(folder));
  const pathOf = (name: string): string => (folder === undefined ? IN_MEMORY : join(folder, name));
  const open = async (settings: DatabaseOptions): Promise<SqliteDatabase> => {
    const database = await SqliteDatabase.open(settings);
    atClose(() => database.close());
    return database;
  };

  const eventStore = await SqliteEventStore.open({ file: pathOf('events.db'), clock });
  atClose(() => eventStore.close());
  // A command beside a server is one that works through everything.
  const beside = 'dataDir' in options && options.lock === false;
  const views = await open(viewsDatabase(pathOf('views.db'), beside));
  const keys = await open(keysDatabase(pathOf('keys.db')));
  const access = await open(accessDatabase(pathOf('access.db')));
  const subjectKeys = await SqliteSubjectKeys.open(keys);
  atClose(() => subjectKeys.stop());
  const customerViews = new SqliteCustomerViews(views);
  atClose(() => customerViews.stop());
  return {
    eventStore,
    customerViews,
    checkpoints: new SqliteCheckpoints(views, clock),
    subjectKeys,
    keyCheckpoints: new SqliteCheckpoints(keys, clock),
    apiKeys: new SqliteApiKeys(access),
  };
}

/** The views can be made again from the log: losing the last moments to a power cut is mended by the projector. */
export const viewsDatabase = (file: string, forBulk = false): DatabaseOptions => ({
  file,
  store: 'read_model',
  durability: 'normal',
  forBulk,
  secureDelete: true,
  // An update of any customer reaches into indexes over all of them.
  cacheMb: 64,
  schema: `${CUSTOMER_VIEWS_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
});

export const keysDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'subject_keys',
  durability: 'full',
  secureDelete: true,
  schema: `${SUBJECT_KEYS_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
});

export const accessDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'api_keys',
  durability: 'full',
  schema: API_KEYS_SCHEMA,
});
