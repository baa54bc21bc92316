import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, SystemClock } from '../../src/event-sourcing/clock.js';
import type { Position } from '../../src/event-sourcing/event-store.js';
import { SqliteDatabase } from '../../src/stores/sqlite/database.js';
import { IN_MEMORY } from '../../src/stores/sqlite/driver.js';
import { SqliteApiKeys } from '../../src/stores/sqlite/sqlite-api-keys.js';
import { SqliteAuditTree } from '../../src/stores/sqlite/sqlite-audit-tree.js';
import { SqliteCheckpoints } from '../../src/stores/sqlite/sqlite-checkpoints.js';
import { SqliteCustomerViews } from '../../src/stores/sqlite/sqlite-customer-views.js';
import { SqliteEventStore } from '../../src/stores/sqlite/sqlite-event-store.js';
import {
  accessDatabase,
  auditDatabase,
  keysDatabase,
  receiptsDatabase,
  viewsDatabase,
  webhooksDatabase,
} from '../../src/stores/sqlite/sqlite-stores.js';
import { SqliteReceipts } from '../../src/stores/sqlite/sqlite-receipts.js';
import { SqliteSubjectKeys } from '../../src/stores/sqlite/sqlite-subject-keys.js';
import { SqliteWebhooks } from '../../src/stores/sqlite/sqlite-webhooks.js';
import { describeApiKeys } from './api-keys.contract.js';
import { describeAuditTree } from './audit-tree.contract.js';
import { describeCheckpoints } from './checkpoints.contract.js';
import { describeCustomerViews } from './customer-views.contract.js';
import { describeEventStore } from './event-store.contract.js';
import type { Harness } from './harness.js';
import { describeReceipts } from './receipts.contract.js';
import { describeSubjectKeys, type KeysHarness } from './subject-keys.contract.js';
import { describeWebhooks } from './webhooks.contract.js';

type Open<Port> = (file: string, clock: Clock) => Promise<Harness<Port>>;

const openLog: Open<SqliteEventStore> = async (file, clock) => {
  const port = await SqliteEventStore.open({ file, clock });
  return { port, close: () => port.close() };
};

const opened =
  <Port>(
    settings: (file: string) => Parameters<typeof SqliteDatabase.open>[0],
    make: (database: SqliteDatabase, clock: Clock) => Port | Promise<Port>,
  ): Open<Port> =>
  async (file, clock) => {
    const database = await SqliteDatabase.open(settings(file));
    return { port: await make(database, clock), close: () => database.close() };
  };

const inMemory =
  <Port>(open: Open<Port>) =>
  (clock: Clock = new SystemClock()): Promise<Harness<Port>> =>
    open(IN_MEMORY, clock);

const onDisk =
  <Port>(open: Open<Port>) =>
  async (clock: Clock = new SystemClock()): Promise<Harness<Port>> => {
    const folder = mkdtempSync(join(tmpdir(), 'customers-'));
    const connections: Harness<Port>[] = [];
    const another = async (): Promise<Port> => {
      const connection = await open(join(folder, 'store.db'), clock);
      connections.push(connection);
      return connection.port;
    };
    const close = async (): Promise<void> => {
      for (const connection of connections) await connection.close();
      rmSync(folder, { recursive: true });
    };
    return { port: await another(), another, close };
  };

const beyondTheEnd = '999999999' as Position;

for (const [where, on, shared] of [
  ['SQLite in memory', inMemory, false],
  ['SQLite on disk', onDisk, true],
] as const) {
  const log = on(openLog);
  const views = on(opened(viewsDatabase, (database) => new SqliteCustomerViews(database)));
  let keysOpen: SqliteDatabase | undefined;
  const keys = on(opened(keysDatabase, (database) => SqliteSubjectKeys.open((keysOpen = database))));
  const putBack: KeysHarness['putBack'] = async ({ subject, revision }, { masterKeyId, wrapped, fingerprint }) => {
    const database = keysOpen;
    const put = database?.writer.change(
      'UPDATE subject_keys SET erased = 0, master_key_id = ?, wrapped = ?, fingerprint = ? WHERE subject = ? AND revision = ?',
    );
    await database?.write(() => () => put?.run(masterKeyId, wrapped, fingerprint, subject, revision));
  };
  const apiKeys = on(opened(accessDatabase, (database) => new SqliteApiKeys(database)));
  const webhooks = on(opened(webhooksDatabase, (database) => new SqliteWebhooks(database)));
  const tree = on(opened(auditDatabase, (database) => SqliteAuditTree.open(database)));
  const receipts = on(opened(receiptsDatabase, (database) => new SqliteReceipts(database)));
  describeEventStore(where, async () => ({ ...(await log()), beyondTheEnd }), shared);
  describeCustomerViews(where, () => views(), shared);
  describeSubjectKeys(where, async () => ({ ...(await keys()), putBack }), shared);
  describeApiKeys(where, () => apiKeys(), shared);
  describeWebhooks(where, () => webhooks(), { shared });
  describeAuditTree(where, () => tree(), { shared });
  describeReceipts(where, () => receipts(), shared);
  const files = {
    views: viewsDatabase,
    keys: keysDatabase,
    webhooks: webhooksDatabase,
    tree: auditDatabase,
    receipts: receiptsDatabase,
  };
  for (const [beside, settings] of Object.entries(files)) {
    const checkpoints = on(opened(settings, (database, clock) => new SqliteCheckpoints(database, clock)));
    describeCheckpoints(`${where}, beside the ${beside}`, checkpoints, shared);
  }
}
