import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { ApiKeys } from './access/api-keys.js';
import { CONFIG, type Config } from './config.js';
import { CustomersModule } from './customers/customers.module.js';
import { CustomerViews } from './customers/read-model/customer-views.js';
import { AcceptAllSourceDirectory } from './customers/sources/accept-all-source-directory.js';
import { HttpSourceDirectory } from './customers/sources/http-source-directory.js';
import { SourceDirectory } from './customers/sources/source-directory.js';
import { Checkpoints } from './event-sourcing/checkpoints.js';
import { Clock, SystemClock } from './event-sourcing/clock.js';
import { EventStore } from './event-sourcing/event-store.js';
import { FollowersModule } from './followers.module.js';
import { HealthController } from './health/health.controller.js';
import { KeyRing } from './privacy/key-ring.js';
import { loadMasterKeys } from './privacy/master-key-file.js';
import { loadServiceSecrets, ServiceSecrets } from './privacy/service-secrets.js';
import { SubjectKeys } from './privacy/subject-keys.js';
import { openSqliteStores } from './stores/sqlite/sqlite-stores.js';

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
  close(): Promise<void>;
}

/** The only place that picks stores. @param exclusive whether this process is the one that serves from the data folder */
export function openStores(config: Config, { exclusive }: { readonly exclusive: boolean }): Promise<Stores> {
  return openSqliteStores({ dataDir: config.dataDir, lock: exclusive });
}

export interface Privacy {
  readonly keys: KeyRing;
  readonly secrets: ServiceSecrets;
}

/** @throws MasterKeyRefused, MasterKeyUnknown, WrappedKeyBroken: the start must stop */
export async function openPrivacy(config: Config, stores: Stores, clock: Clock = new SystemClock()): Promise<Privacy> {
  const masterKeys = await loadMasterKeys(config);
  const secrets = await loadServiceSecrets(stores.subjectKeys, masterKeys);
  return { secrets, keys: new KeyRing(stores.subjectKeys, masterKeys, clock) };
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
    const ports = [
      { provide: CONFIG, useValue: config },
      { provide: Clock, useValue: clock },
      { provide: EventStore, useValue: stores.eventStore },
      { provide: CustomerViews, useValue: stores.customerViews },
      { provide: SubjectKeys, useValue: stores.subjectKeys },
      { provide: Checkpoints, useValue: stores.checkpoints },
      { provide: ApiKeys, useValue: stores.apiKeys },
      { provide: KeyRing, useValue: privacy.keys },
      { provide: ServiceSecrets, useValue: privacy.secrets },
      { provide: SourceDirectory, useValue: directory },
    ];
    const portsModule: DynamicModule = { module: PortsModule, global: true, providers: ports, exports: ports };
    const followers = FollowersModule.with({ ...stores, ...privacy, clock });
    return {
      module: AppModule,
      imports: [
        portsModule,
        ScheduleModule.forRoot(),
        TerminusModule.forRoot({ logger: false }),
        followers,
        CustomersModule,
      ],
      controllers: [HealthController],
    };
  }
}

@Module({})
class PortsModule {}
