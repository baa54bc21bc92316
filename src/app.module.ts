import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { Registry } from 'prom-client';
import { ApiKeys } from './access/api-keys.js';
import { AUDIT_PREFIX } from './audit/audit-events.js';
import { AuditTree } from './audit/audit-tree.js';
import { AuditModule } from './audit/audit.module.js';
import { TreeModule } from './audit/tree.module.js';
import { CONFIG, type Config } from './config.js';
import { CustomersApiModule, CustomersModule } from './customers/customers.module.js';
import { CustomerViews } from './customers/read-model/customer-views.js';
import { CUSTOMER_PREFIX } from './customers/streams.js';
import { SOURCE_PREFIX } from './customers/sources/source-events.js';
import { AcceptAllSourceDirectory } from './customers/sources/accept-all-source-directory.js';
import { HttpSourceDirectory } from './customers/sources/http-source-directory.js';
import { SourceDirectory } from './customers/sources/source-directory.js';
import { Checkpoints } from './event-sourcing/checkpoints.js';
import { Clock, SystemClock } from './event-sourcing/clock.js';
import { EventStore } from './event-sourcing/event-store.js';
import { FollowersModule } from './followers.module.js';
import { ReceiptsModule } from './receipts.module.js';
import { HealthController } from './health/health.controller.js';
import { CommandRetries } from './metrics/command-retries.js';
import { MeteredEventStore } from './metrics/metered-event-store.js';
import { MeteredSubjectKeys } from './metrics/metered-subject-keys.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { KeyRing, MAX_AGE_MS } from './privacy/key-ring.js';
import { loadMasterKeys } from './privacy/master-key-file.js';
import type { MasterKeys } from './privacy/master-keys.js';
import { Receipts } from './privacy/receipts.js';
import { loadServiceSecrets, ServiceSecrets } from './privacy/service-secrets.js';
import { openSigningRing, SigningRing } from './privacy/signing-ring.js';
import { SubjectKeys } from './privacy/subject-keys.js';
import { ConfigError } from './settings.js';
import type { MongoOptions } from './stores/mongodb/mongo-stores.js';
import { SqliteFolder } from './stores/sqlite/sqlite-stores.js';
import { UrlRefused } from './stores/url-refused.js';
import { EventsApiModule } from './subscribers/subscribers.module.js';
import type { Webhooks } from './subscribers/webhooks/webhooks.js';
import { WebhooksModule } from './subscribers/webhooks/webhooks.module.js';

/** Every store of the service, opened. */
export interface Stores {
  readonly eventStore: EventStore;
  readonly customerViews: CustomerViews;
  readonly subjectKeys: SubjectKeys;
  /** In the database of the views. */
  readonly checkpoints: Checkpoints;
  /** In the database of the subject keys. */
  readonly keyCheckpoints: Checkpoints;
  readonly apiKeys: ApiKeys;
  readonly webhooks: Webhooks;
  /** In the database of the webhooks. */
  readonly webhookCheckpoints: Checkpoints;
  readonly auditTree: AuditTree;
  /** In the database of the tree. */
  readonly auditCheckpoints: Checkpoints;
  readonly receipts: Receipts;
  /** In the database of the receipts. */
  readonly receiptCheckpoints: Checkpoints;
  close(): Promise<void>;
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
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(store: T): T => {
    opened.push(store);
    return store;
  };
  const close = async (): Promise<void> => {
    for (const store of opened.splice(0).reverse()) await store.close();
  };
  let folder: SqliteFolder | undefined;
  const embedded = (): SqliteFolder => (folder ??= keep(SqliteFolder.open({ dataDir, lock: exclusive, clock })));
  const onMongo = (url: string): MongoOptions => ({ url, clock, ...(log && { log }) });
  try {
    const eventStore =
      eventstoreUrl === undefined
        ? await embedded().openLog()
        : keep(await opening('EVENTSTORE_URL', () => openLog(eventstoreUrl, config, clock))).log;
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
    return { eventStore, ...readModel, subjectKeys, keyCheckpoints, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface ClosableLog {
  readonly log: EventStore;
  close(): Promise<void>;
}

// The drivers take a third of a second and 50 MB to load: only whoever uses one waits for it.

async function openLog(
  url: string,
  { eventstorePrefix: prefix = '', debug }: Config,
  clock: Clock,
): Promise<ClosableLog> {
  const { openEventStoreDb } = await import('./stores/eventstoredb/eventstoredb-event-store.js');
  const { PrefixedEventStore } = await import('./stores/eventstoredb/prefixed-event-store.js');
  const prefixes = [CUSTOMER_PREFIX, SOURCE_PREFIX, AUDIT_PREFIX].map((own) => prefix + own);
  const store = openEventStoreDb({ url, prefixes, debug, clock });
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

export interface Parts {
  readonly config: Config;
  readonly stores: Stores;
  readonly privacy: Privacy;
  readonly directory: SourceDirectory;
  readonly clock: Clock;
}

/** The composition root: every port meets its adapter here. */
@Module({})
export class AppModule {
  static with({ config, stores, privacy, directory, clock }: Parts): DynamicModule {
    const registry = new Registry();
    const eventStore = new MeteredEventStore(stores.eventStore, registry);
    const ports = [
      { provide: CONFIG, useValue: config },
      { provide: Clock, useValue: clock },
      { provide: EventStore, useValue: eventStore },
      { provide: CustomerViews, useValue: stores.customerViews },
      { provide: SubjectKeys, useValue: privacy.subjectKeys },
      { provide: Checkpoints, useValue: stores.checkpoints },
      { provide: ApiKeys, useValue: stores.apiKeys },
      { provide: AuditTree, useValue: stores.auditTree },
      { provide: KeyRing, useValue: privacy.keys },
      { provide: ServiceSecrets, useValue: privacy.secrets },
      { provide: SigningRing, useValue: privacy.signing },
      { provide: Receipts, useValue: stores.receipts },
      { provide: SourceDirectory, useValue: directory },
      { provide: Registry, useValue: registry },
      { provide: CommandRetries, useValue: new CommandRetries(registry) },
    ];
    const portsModule: DynamicModule = { module: PortsModule, global: true, providers: ports, exports: ports };
    const common = { ...stores, ...privacy, eventStore, clock };
    const follows = config.role !== 'api';
    const webhooks = WebhooksModule.with({
      ...common,
      allowLoopback: config.webhooksAllowLoopback,
      delivers: follows,
      serves: config.role !== 'worker',
    });
    const audit = TreeModule.with({
      ...common,
      witnessUrl: config.auditWitnessUrl,
      signs: follows,
      serves: config.role !== 'worker',
    });
    const followers = FollowersModule.with({ ...common, follows, webhooksModule: webhooks });
    return {
      module: AppModule,
      imports: [
        portsModule,
        ScheduleModule.forRoot(),
        TerminusModule.forRoot({ logger: false }),
        followers,
        ...(config.role === 'worker' ? [CustomersModule] : [CustomersApiModule, EventsApiModule, AuditModule]),
        webhooks,
        audit,
        ReceiptsModule.with({
          ...common,
          treeModule: audit,
          // Embedded, the keys are in the cache of this process alone, which hears of every destruction.
          cachesMs: config.keysMongodbUrl === undefined ? 0 : MAX_AGE_MS,
          issues: follows,
          ...(config.masterKeyEpochDays !== undefined && { epochDays: config.masterKeyEpochDays }),
        }),
        MetricsModule.with([followers, audit], privacy.subjectKeys),
      ],
      controllers: [HealthController],
    };
  }
}

@Module({})
class PortsModule {}
