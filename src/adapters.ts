// Which adapter stands behind each port. Without Nest: a command line, and a start that is refused, do not wait for it.

import { AUDIT_PREFIX } from './audit/audit-events.js';
import type { Config } from './config.js';
import { CUSTOMER_PREFIX } from './customers/streams.js';
import { AcceptAllSourceDirectory } from './customers/sources/accept-all-source-directory.js';
import { HttpSourceDirectory } from './customers/sources/http-source-directory.js';
import type { SourceDirectory } from './customers/sources/source-directory.js';
import { SOURCE_PREFIX } from './customers/sources/source-events.js';
import { type Clock, SystemClock } from './event-sourcing/clock.js';
import type { EventStore } from './event-sourcing/event-store.js';
import { type KeptCheckpoint, type PassedPlace, passedPlace } from './event-sourcing/passed-place.js';
import { MeteredSubjectKeys } from './metrics/metered-subject-keys.js';
import { KeyRing } from './privacy/key-ring.js';
import { loadMasterKeys } from './privacy/master-key-file.js';
import type { MasterKeys } from './privacy/master-keys.js';
import { loadServiceSecrets, type ServiceSecrets } from './privacy/service-secrets.js';
import { openSigningRing, type SigningRing } from './privacy/signing-ring.js';
import { ConfigError } from './settings.js';
import type { MongoOptions } from './stores/mongodb/mongo-stores.js';
import type { Closable, KeyStores, ReadModelStores } from './stores/opened-stores.js';
import { SqliteFolder } from './stores/sqlite/sqlite-stores.js';
import { UrlRefused } from './stores/url-refused.js';

/** Every store of the service, opened. */
export interface Stores extends ReadModelStores, KeyStores, Closable {
  readonly eventStore: EventStore;
}

export interface OpeningOptions {
  /** Whether this process is the one that serves from the data folder. */
  readonly exclusive: boolean;
  readonly clock?: Clock;
  /** Gets a line when a server lacks something that can be done without. */
  readonly log?: (line: string) => void;
}

/**
 * The only place that picks stores: each on the server that a URL names, else embedded in the data folder.
 * @throws DataFolderInUse, StoreUnavailable, ConfigError
 */
export async function openStores(config: Config, options: OpeningOptions): Promise<Stores> {
  const { exclusive, clock = new SystemClock(), log } = options;
  const { eventstoreUrl, mongodbUrl, keysMongodbUrl, dataDir } = config;
  const opened: Closable[] = [];
  const keep = <T extends Closable>(store: T): T => {
    opened.push(store);
    return store;
  };
  const close = async (): Promise<void> => {
    for (const store of opened.splice(0).reverse()) await store.close();
  };
  let folder: SqliteFolder | undefined;
  const embedded = (): SqliteFolder =>
    (folder ??= keep(SqliteFolder.open({ dataDir, lock: exclusive, clock, ...(log && { log }) })));
  let stores: Stores | undefined;
  const passed = async (): Promise<PassedPlace | undefined> =>
    stores && passedPlace(stores.eventStore, followersCheckpoints(stores));
  const onMongo = (url: string): MongoOptions => ({ url, clock, ...(log && { log }) });
  try {
    const eventStore =
      eventstoreUrl === undefined
        ? await embedded().openLog()
        : keep(await opening('EVENTSTORE_URL', () => openLog(eventstoreUrl, config, clock, passed))).log;
    const readModel =
      mongodbUrl === undefined
        ? await embedded().openReadModel()
        : keep(await opening('MONGODB_URL', async () => (await mongo()).openMongoReadModel(onMongo(mongodbUrl))));
    const { subjectKeys, keyCheckpoints } =
      keysMongodbUrl === undefined
        ? await embedded().openKeys()
        : keep(
            await opening('KEYS_MONGODB_URL', async () =>
              (await mongo()).openMongoSubjectKeys(onMongo(keysMongodbUrl)),
            ),
          );
    stores = { eventStore, ...readModel, subjectKeys, keyCheckpoints, close };
    return stores;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Not that of the projector: a rebuild, which makes it too, follows the streams of customers alone. */
const followersCheckpoints = (stores: Stores): readonly KeptCheckpoint[] => [
  { checkpoints: stores.keyCheckpoints, name: 'erasures' },
  { checkpoints: stores.checkpoints, name: 'sources' },
  { checkpoints: stores.webhookCheckpoints, name: 'webhooks' },
  { checkpoints: stores.auditCheckpoints, name: 'audit-tree' },
  { checkpoints: stores.receiptCheckpoints, name: 'receipts' },
];

interface ClosableLog extends Closable {
  readonly log: EventStore;
}

// The drivers take a third of a second and 50 MB to load: only whoever uses one waits for it.

async function openLog(
  url: string,
  { eventstorePrefix: prefix = '', debug }: Config,
  clock: Clock,
  passed: () => Promise<PassedPlace | undefined>,
): Promise<ClosableLog> {
  const { openEventStoreDb } = await import('./stores/eventstoredb/eventstoredb-event-store.js');
  const { PrefixedEventStore } = await import('./stores/eventstoredb/prefixed-event-store.js');
  const prefixes = [CUSTOMER_PREFIX, SOURCE_PREFIX, AUDIT_PREFIX].map((own) => prefix + own);
  const store = openEventStoreDb({ url, prefixes, debug, clock, passed });
  return { log: prefix === '' ? store : new PrefixedEventStore(store, prefix), close: () => store.close() };
}

const mongo = () => import('./stores/mongodb/mongo-stores.js');

/** @throws ConfigError the driver can't read the URL; its words don't repeat it */
async function opening<T>(setting: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw error instanceof UrlRefused ? new ConfigError(`${setting}: ${error.message}`) : error;
  }
}

export interface Privacy {
  readonly keys: KeyRing;
  readonly masterKeys: MasterKeys;
  readonly secrets: ServiceSecrets;
  readonly signing: SigningRing;
  /** The key store, with its calls counted. */
  readonly subjectKeys: MeteredSubjectKeys;
}

/** @throws MasterKeyRefused, MasterKeyUnknown, WrappedKeyBroken: the start must stop */
export async function openPrivacy(config: Config, stores: Stores, clock: Clock = new SystemClock()): Promise<Privacy> {
  const masterKeys = await loadMasterKeys(config);
  const subjectKeys = new MeteredSubjectKeys(stores.subjectKeys);
  const secrets = await loadServiceSecrets(subjectKeys, masterKeys);
  const signing = openSigningRing(config.signingKeys ?? [], secrets.signing);
  return { secrets, signing, subjectKeys, masterKeys, keys: new KeyRing(subjectKeys, masterKeys, clock) };
}

export function openSourceDirectory({ sourcesUrl, sourcesToken }: Config): SourceDirectory {
  return sourcesUrl === undefined ? new AcceptAllSourceDirectory() : new HttpSourceDirectory(sourcesUrl, sourcesToken);
}
