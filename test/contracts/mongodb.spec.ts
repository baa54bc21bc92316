import { Binary } from 'mongodb';
import { type Clock, SystemClock } from '../../src/event-sourcing/clock.js';
import { API_KEY_COLLECTIONS, MongoApiKeys } from '../../src/stores/mongodb/mongo-api-keys.js';
import { AUDIT_COLLECTIONS, MongoAuditTree } from '../../src/stores/mongodb/mongo-audit-tree.js';
import { CHECKPOINT_COLLECTIONS, MongoCheckpoints } from '../../src/stores/mongodb/mongo-checkpoints.js';
import { MongoConnection } from '../../src/stores/mongodb/mongo-connection.js';
import { MongoCustomerViews, prepareCustomerViews } from '../../src/stores/mongodb/mongo-customer-views.js';
import { prepare } from '../../src/stores/mongodb/mongo-stores.js';
import { MongoReceipts, RECEIPT_COLLECTIONS } from '../../src/stores/mongodb/mongo-receipts.js';
import { MongoSubjectKeys, SUBJECT_KEY_COLLECTIONS } from '../../src/stores/mongodb/mongo-subject-keys.js';
import { MongoWebhooks, WEBHOOK_COLLECTIONS } from '../../src/stores/mongodb/mongo-webhooks.js';
import { mongoDbDatabases } from '../support/mongodb-databases.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { describeApiKeys } from './api-keys.contract.js';
import { describeAuditTree } from './audit-tree.contract.js';
import { describeCheckpoints } from './checkpoints.contract.js';
import { describeCustomerViews } from './customer-views.contract.js';
import type { Harness } from './harness.js';
import { describeReceipts } from './receipts.contract.js';
import { describeSubjectKeys, type KeysHarness } from './subject-keys.contract.js';
import { describeWebhooks } from './webhooks.contract.js';

/** A reading of the pointer is used once: what others switch is seen at once. The second it may be old is tested apart. */
const NO_OLD_POINTER = 0;

/** Not about time, and FerretDB is slow. */
const PATIENT_MS = 20_000;

if (hasMongoDbServer()) {
  const databases = mongoDbDatabases();

  const opened =
    <Port>(
      ready: (connection: MongoConnection) => Promise<unknown>,
      make: (connection: MongoConnection, clock: Clock) => Port,
    ) =>
    async (clock: Clock = new SystemClock()): Promise<Harness<Port>> => {
      const { name, url } = databases.fresh();
      const connections: MongoConnection[] = [];
      const another = async (): Promise<Port> => {
        const connection = new MongoConnection({ url, defaultDatabase: 'not_this_one', operationMs: PATIENT_MS });
        connections.push(connection);
        await ready(connection);
        return make(connection, clock);
      };
      const close = async (): Promise<void> => {
        for (const connection of connections) await connection.close();
        await databases.drop(name);
      };
      try {
        return { port: await another(), another, close };
      } catch (error) {
        await close();
        throw error;
      }
    };

  const keyPlans = [...SUBJECT_KEY_COLLECTIONS, ...CHECKPOINT_COLLECTIONS];
  const viewsReady = async (connection: MongoConnection): Promise<void> => {
    await prepareCustomerViews(connection);
    await prepare(connection, 'read_model', CHECKPOINT_COLLECTIONS);
  };
  const keysReady = (connection: MongoConnection): Promise<boolean> => prepare(connection, 'subject_keys', keyPlans);
  const accessReady = (connection: MongoConnection): Promise<boolean> =>
    prepare(connection, 'api_keys', API_KEY_COLLECTIONS);
  const webhooksReady = (connection: MongoConnection): Promise<boolean> =>
    prepare(connection, 'webhooks', WEBHOOK_COLLECTIONS);

  const treeReady = (connection: MongoConnection): Promise<boolean> =>
    prepare(connection, 'audit_tree', AUDIT_COLLECTIONS);
  const receiptsReady = (connection: MongoConnection): Promise<boolean> =>
    prepare(connection, 'receipts', RECEIPT_COLLECTIONS);

  const views = opened(viewsReady, (connection) => new MongoCustomerViews(connection, NO_OLD_POINTER));
  let keysOpen: MongoConnection | undefined;
  const keys = opened(keysReady, (connection) => new MongoSubjectKeys((keysOpen = connection)));
  const putBack: KeysHarness['putBack'] = async ({ subject, revision }, { wrapped, ...key }) => {
    const row = { subject, revision, erased: false, ...key, wrapped: new Binary(wrapped) };
    await keysOpen?.run('subject_keys', (db) =>
      db.collection<{ _id: string }>('subject_keys').replaceOne({ _id: `${revision} ${subject}` }, row),
    );
  };
  const apiKeys = opened(accessReady, (connection) => new MongoApiKeys(connection));
  describeCustomerViews('MongoDB', () => views());
  describeSubjectKeys('MongoDB', async () => ({ ...(await keys()), putBack }));
  const webhooks = opened(webhooksReady, (connection) => new MongoWebhooks(connection));
  describeApiKeys('MongoDB', () => apiKeys());
  describeWebhooks('MongoDB', () => webhooks(), { many: 50 });
  const tree = opened(treeReady, (connection) => new MongoAuditTree(connection));
  describeAuditTree('MongoDB', () => tree(), { many: 120 });
  const receipts = opened(receiptsReady, (connection) => new MongoReceipts(connection));
  describeReceipts('MongoDB', () => receipts());
  describeCheckpoints(
    'MongoDB, beside the views',
    opened(viewsReady, (connection, clock) => new MongoCheckpoints(connection, 'read_model', clock)),
  );
  describeCheckpoints(
    'MongoDB, beside the keys',
    opened(keysReady, (connection, clock) => new MongoCheckpoints(connection, 'subject_keys', clock)),
  );
} else {
  notRun('the contract suites on MongoDB', NO_MONGODB);
  it.todo('needs a server that speaks the protocol of MongoDB');
}
