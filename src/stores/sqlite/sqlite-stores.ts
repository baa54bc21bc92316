import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Clock, SystemClock } from '../../event-sourcing/clock.js';
import type { EventStore } from '../../event-sourcing/event-store.js';
import type { KeyStores, ReadModelStores } from '../opened-stores.js';
import { CUSTOMER_VIEWS_SCHEMA, customersIn } from './customer-tables.js';
import { lockDataFolder } from './data-folder-lock.js';
import { type DatabaseOptions, SqliteDatabase } from './database.js';
import { IN_MEMORY } from './driver.js';
import { API_KEYS, API_KEYS_SCHEMA, SqliteApiKeys } from './sqlite-api-keys.js';
import { AUDIT_TABLES, AUDIT_TREE_SCHEMA, SqliteAuditTree } from './sqlite-audit-tree.js';
import { CHECKPOINTS, CHECKPOINTS_SCHEMA, SqliteCheckpoints } from './sqlite-checkpoints.js';
import { SqliteCustomerViews } from './sqlite-customer-views.js';
import { eventsDatabase, SqliteEventStore } from './sqlite-event-store.js';
import { KEY_TABLES } from './key-rows.js';
import { RECEIPTS, RECEIPTS_SCHEMA, SqliteReceipts } from './sqlite-receipts.js';
import { SqliteSubjectKeys, SUBJECT_KEYS_SCHEMA } from './sqlite-subject-keys.js';
import { SqliteWebhooks, WEBHOOKS_SCHEMA } from './sqlite-webhooks.js';
import { StartCheck } from './start-check.js';
import { unusable } from './unusable-file.js';
import { ENDPOINTS } from './webhook-rows.js';

export interface FolderOptions {
  readonly clock?: Clock;
  /** Gets a line for each file that is too large to be looked through at a start. */
  readonly log?: (line: string) => void;
}

export type SqliteStoresOptions = FolderOptions &
  (
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
 * @throws FileUnusable a file that can't be read, is no database, or is damaged
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
  /** Of the one server of the folder. */
  private check: StartCheck | undefined;

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
    if (options.lock === false) return folder;
    folder.closing.push(lockDataFolder(path));
    const check = (folder.check = StartCheck.begin(path, options.log));
    folder.closing.push(() => check.stopped());
    return folder;
  }

  async openLog(): Promise<EventStore> {
    const settings = eventsDatabase(this.pathOf('events.db'));
    return this.opening(settings, async () => {
      this.check?.require(settings);
      const log = await SqliteEventStore.open({ file: settings.file, clock: this.clock });
      this.closing.push(() => log.close());
      return log;
    });
  }

  async openReadModel(): Promise<ReadModelStores> {
    const views = await this.database(viewsDatabase(this.pathOf('views.db')));
    const access = await this.database(accessDatabase(this.pathOf('access.db')));
    const webhooks = await this.database(webhooksDatabase(this.pathOf('webhooks.db')));
    const auditSettings = auditDatabase(this.pathOf('audit.db'));
    const audit = await this.database(auditSettings);
    const receipts = await this.database(receiptsDatabase(this.pathOf('receipts.db')));
    const customerViews = new SqliteCustomerViews(views);
    this.closing.push(() => customerViews.stop());
    return {
      customerViews,
      checkpoints: new SqliteCheckpoints(views, this.clock),
      apiKeys: new SqliteApiKeys(access),
      webhooks: new SqliteWebhooks(webhooks),
      webhookCheckpoints: new SqliteCheckpoints(webhooks, this.clock),
      auditTree: await this.opening(auditSettings, () => SqliteAuditTree.open(audit)),
      auditCheckpoints: new SqliteCheckpoints(audit, this.clock),
      receipts: new SqliteReceipts(receipts),
      receiptCheckpoints: new SqliteCheckpoints(receipts, this.clock),
    };
  }

  async openKeys(): Promise<KeyStores> {
    const settings = keysDatabase(this.pathOf('keys.db'));
    const keys = await this.database(settings);
    const subjectKeys = await this.opening(settings, () => SqliteSubjectKeys.open(keys));
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
    return this.opening(settings, async () => {
      this.check?.require(settings);
      const database = await SqliteDatabase.open(settings);
      this.closing.push(() => database.close());
      return database;
    });
  }

  /** @throws FileUnusable names the file and what to do */
  private async opening<T>({ file, store }: DatabaseOptions, open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      throw unusable(error, file, store) ?? error;
    }
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
  checked: (connection) => [...customersIn(connection), CHECKPOINTS],
});

export const keysDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'subject_keys',
  durability: 'full',
  secureDelete: true,
  schema: `${SUBJECT_KEYS_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
  checked: () => [...KEY_TABLES, CHECKPOINTS],
});

export const accessDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'api_keys',
  durability: 'full',
  schema: API_KEYS_SCHEMA,
  checked: () => [API_KEYS],
});

/** With its checkpoint in the same file: it never comes back from a power cut without what was noted before it. */
export const webhooksDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'webhooks',
  durability: 'full',
  schema: `${WEBHOOKS_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
  checked: () => [ENDPOINTS, CHECKPOINTS],
});

/** Leaves can be made again from the log, like their checkpoint in the same file; a signature is synced when it is made. */
export const auditDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'audit_tree',
  durability: 'normal',
  schema: `${AUDIT_TREE_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
  checked: () => [...AUDIT_TABLES, CHECKPOINTS],
});

/** With its checkpoint in the same file, as that of the webhooks. */
export const receiptsDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'receipts',
  durability: 'full',
  schema: `${RECEIPTS_SCHEMA}; ${CHECKPOINTS_SCHEMA}`,
  checked: () => [RECEIPTS, CHECKPOINTS],
});
