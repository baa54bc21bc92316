import type { Clock } from '../../event-sourcing/clock.js';
import type { StoreName } from '../../event-sourcing/store-errors.js';
import type { Closable, KeyStores, ReadModelStores } from '../opened-stores.js';
import { type CollectionPlan, ensureCollection } from './collections.js';
import { API_KEY_COLLECTIONS, MongoApiKeys } from './mongo-api-keys.js';
import { AUDIT_COLLECTIONS, MongoAuditTree } from './mongo-audit-tree.js';
import { CHECKPOINT_COLLECTIONS, MongoCheckpoints } from './mongo-checkpoints.js';
import { MongoConnection, SETUP_MS } from './mongo-connection.js';
import { MongoCustomerViews, prepareCustomerViews } from './mongo-customer-views.js';
import { MongoReceipts, RECEIPT_COLLECTIONS } from './mongo-receipts.js';
import { MongoSubjectKeys, SUBJECT_KEY_COLLECTIONS } from './mongo-subject-keys.js';
import { MongoWebhooks, WEBHOOK_COLLECTIONS } from './mongo-webhooks.js';

export interface MongoOptions {
  /** `mongodb://` or `mongodb+srv://`; the path names the database. Appears in no error and no log line. */
  readonly url: string;
  readonly clock: Clock;
  /** Gets a line when the server lacks something that can be done without. */
  readonly log?: (line: string) => void;
}

/**
 * Makes what is missing; any number of instances may do so at once. The database is `customers` where the address names none.
 * @throws StoreUnavailable
 */
export async function openMongoReadModel(options: MongoOptions): Promise<ReadModelStores & Closable> {
  const connection = new MongoConnection({ url: options.url, defaultDatabase: 'customers' });
  return orClose(connection, async () => {
    const took = await prepareCustomerViews(connection);
    const others = [
      ...CHECKPOINT_COLLECTIONS,
      ...API_KEY_COLLECTIONS,
      ...WEBHOOK_COLLECTIONS,
      ...AUDIT_COLLECTIONS,
      ...RECEIPT_COLLECTIONS,
    ];
    const othersTook = await prepare(connection, 'read_model', others);
    if (!took || !othersTook) sayUnchecked(options, 'read model');
    const checkpoints = new MongoCheckpoints(connection, 'read_model', options.clock);
    return {
      customerViews: new MongoCustomerViews(connection),
      checkpoints,
      apiKeys: new MongoApiKeys(connection),
      webhooks: new MongoWebhooks(connection),
      webhookCheckpoints: checkpoints,
      auditTree: new MongoAuditTree(connection),
      auditCheckpoints: checkpoints,
      receipts: new MongoReceipts(connection),
      receiptCheckpoints: checkpoints,
      close: () => connection.close(),
    };
  });
}

/**
 * Like {@link openMongoReadModel}; the database is `customers_keys` where the address names none.
 * @throws StoreUnavailable
 */
export async function openMongoSubjectKeys(options: MongoOptions): Promise<KeyStores & Closable> {
  const connection = new MongoConnection({ url: options.url, defaultDatabase: 'customers_keys' });
  return orClose(connection, async () => {
    const plans = [...SUBJECT_KEY_COLLECTIONS, ...CHECKPOINT_COLLECTIONS];
    if (!(await prepare(connection, 'subject_keys', plans))) sayUnchecked(options, 'keys');
    return {
      subjectKeys: new MongoSubjectKeys(connection),
      keyCheckpoints: new MongoCheckpoints(connection, 'subject_keys', options.clock),
      close: () => connection.close(),
    };
  });
}

/** @returns whether the server took the schemas */
export async function prepare(
  connection: MongoConnection,
  store: StoreName,
  plans: readonly CollectionPlan[],
): Promise<boolean> {
  const took: boolean[] = [];
  for (const plan of plans) took.push(await connection.run(store, (db) => ensureCollection(db, plan), SETUP_MS));
  return took.every(Boolean);
}

const sayUnchecked = ({ log }: MongoOptions, what: string): void =>
  log?.(`The database of the ${what} takes no validators ($jsonSchema): documents are not checked there`);

async function orClose<T>(connection: MongoConnection, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await connection.close();
    throw error;
  }
}
