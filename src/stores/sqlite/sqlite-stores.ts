import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Clock, SystemClock } from '../../event-sourcing/clock.js';
import type { EventStore } from '../../event-sourcing/event-store.js';
import type { KeyStores, ReadModelStores } from '../opened-stores.js';
import { CUSTOMER_VIEWS_SCHEMA } from './customer-tables.js';
import { lockDataFolder } from './data-folder-lock.js';
import { type DatabaseOptions, SqliteDatabase } from './database.js';
import { IN_MEMORY } from './driver.js';
import { API_KEYS_SCHEMA, SqliteApiKeys } from './sqlite-api-keys.js';
import { AUDIT_TREE_SCHEMA, SqliteAuditTree } from './sqlite-audit-tree.js';
import { CHECKPOINTS_SCHEMA, SqliteCheckpoints } from './sqlite-checkpoints.js';
import { SqliteCustomerViews } from './sqlite-customer-views.js';
import { SqliteEventStore } from './sqlite-event-store.js';
import { RECEIPTS_SCHEMA, SqliteReceipts } from './sqlite-receipts.js';
import { SqliteSubjectKeys, SUBJECT_KEYS_SCHEMA } from './sqlite-subject-keys.js';
import { SqliteWebhooks, WEBHOOKS_SCHEMA } from './sqlite-webhooks.js';

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

export interface SqliteStores extends ReadModelStores, KeyStores {
  readonly eventStore: EventStore;
  /** Finishes what is being written and leaves each file whole, without a write-ahead log. */
  close(): Promise<void>;
}

/**
 * @throws DataFolderInUse
 * @throws StoreUnavailable a file that can't be read or is no database
 */
export async function openSqliteStores(options: SqliteStoresOptions): Promise<SqliteStores> {
  const folder = SqliteFolder.open(options);
  try {
    const eventStore = await folder.openLog();
    return {
      eventStore,
      ...(await folder.openReadModel()),
      ...(await folder.openKeys()),
      close: () => folder.close(),
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** The data folder, and in it the stores that are wanted: each can be on a server instead. */
export class SqliteFolder {
  private readonly closing: (() => void | Promise<void>)[] = [];
  private readonly clock: Clock;

  private constructor(
    private readonly folder: string | undefined,
    clock: Clock | undefined,
  ) {
    this.clock = clock ?? new SystemClock();
  }

  /** @throws DataFolderInUse */
  static open(options: SqliteStoresOptions): SqliteFolder {
    if (!('dataDir' in options)) return new SqliteFolder(undefined, options.clock);
    const path = resolve(options.dataDir);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const folder = new SqliteFolder(path, options.clock);
    if (options.lock !== false) folder.closing.push(lockDataFolder(path));
    return folder;
  }

  async openLog(): Promise<EventStore> {
    const log = await SqliteEventStore.open({ file: this.pathOf('events.db'), clock: this.clock });
    this.closing.push(() => log.close());
    return log;
  }

  async openReadModel(): Promise<ReadModelStores> {
    const views = await this.database(viewsDatabase(this.pathOf('views.db')));
    const access = await this.database(accessDatabase(this.pathOf('access.db')));
    const webhooks = await this.database(webhooksDatabase(this.pathOf('webhooks.db')));
    const audit = await this.database(auditDatabase(this.pathOf('audit.db')));
    const receipts = await this.database(receiptsDatabase(this.pathOf('receipts.db')));
    const customerViews = new SqliteCustomerViews(views);
    this.closing.push(() => customerViews.stop());
    return {
      customerViews,
      checkpoints: new SqliteCheckpoints(views, this.clock),
      apiKeys: new SqliteApiKeys(access),
      webhooks: new SqliteWebhooks(webhooks),
      webhookCheckpoints: new SqliteCheckpoints(webhooks, this.clock),
      auditTree: await SqliteAuditTree.open(audit),
      auditCheckpoints: new SqliteCheckpoints(audit, this.clock),
      receipts: new SqliteReceipts(receipts),
      receiptCheckpoints: new SqliteCheckpoints(receipts, this.clock),
    };
  }

  async openKeys(): Promise<KeyStores> {
    const keys = await this.database(keysDatabase(this.pathOf('keys.db')));
    const subjectKeys = await SqliteSubjectKeys.open(keys);
    this.closing.push(() => subjectKeys.stop());
    return { subjectKeys, keyCheckpoints: new SqliteCheckpoints(keys, this.clock) };
  }

  async close(): Promise<void> {
    for (const end of this.closing.splice(0).reverse()) await end();
  }

  private pathOf(name: string): string {
    return this.folder === undefined ? IN_MEMORY : join(this.folder, name);
  }

  private async database(settings: DatabaseOptions): Promise<SqliteDatabase> {
    const database = await SqliteDatabase.open(settings);
    this.closing.push(() => database.close());
    return database;
  }
}

/** The views can be made again from the log: losing the last moments to a power cut is mended by the projector. */
export const viewsDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'read_model',
  durability: 'normal',
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

/** With its checkpoint in the same file: it never comes back from a power cut without what was noted before it. */
export const webhooksDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'webhooks',
  durability: 'full',
  schema: `${WEBHOOKS_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
});

/** Leaves can be made again from the log, like their checkpoint in the same file; a signature is synced when it is made. */
export const auditDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'audit_tree',
  durability: 'normal',
  schema: `${AUDIT_TREE_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
});

/** With its checkpoint in the same file, as that of the webhooks. */
export const receiptsDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'receipts',
  durability: 'full',
  schema: `${RECEIPTS_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
});
