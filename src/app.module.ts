import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { Registry } from 'prom-client';
import { ApiKeys } from './access/api-keys.js';
import type { Privacy, Stores } from './adapters.js';
import { AuditTree } from './audit/audit-tree.js';
import { AuditModule } from './audit/audit.module.js';
import { TreeModule } from './audit/tree.module.js';
import { CONFIG, type Config } from './config.js';
import { inspectEvent } from './customers/event-inspection.js';
import { CustomersApiModule, CustomersModule } from './customers/customers.module.js';
import { CustomerViews } from './customers/read-model/customer-views.js';
import { SourceDirectory } from './customers/sources/source-directory.js';
import { Checkpoints } from './event-sourcing/checkpoints.js';
import { Clock } from './event-sourcing/clock.js';
import { EventStore } from './event-sourcing/event-store.js';
import { Quarantine } from './event-sourcing/quarantine.js';
import { QuarantinedLog } from './event-sourcing/quarantined-log.js';
import { followerLog } from './follower-log.js';
import { FollowersModule } from './followers.module.js';
import { ReceiptsModule } from './receipts.module.js';
import { HealthController } from './health/health.controller.js';
import { CommandRetries } from './metrics/command-retries.js';
import { MeteredEventStore } from './metrics/metered-event-store.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { KeyRing, MAX_AGE_MS } from './privacy/key-ring.js';
import { Receipts } from './privacy/receipts.js';
import { ServiceSecrets } from './privacy/service-secrets.js';
import { SigningRing } from './privacy/signing-ring.js';
import { SubjectKeys } from './privacy/subject-keys.js';
import { EventsApiModule } from './subscribers/subscribers.module.js';
import { WebhooksModule } from './subscribers/webhooks/webhooks.module.js';

export interface Parts {
  readonly config: Config;
  readonly stores: Stores;
  readonly privacy: Privacy;
  readonly directory: SourceDirectory;
  readonly clock: Clock;
}

/** The composition root: every port meets here the adapter that was opened for it. */
@Module({})
export class AppModule {
  static with({ config, stores, privacy, directory, clock }: Parts): DynamicModule {
    const registry = new Registry();
    const eventStore = new MeteredEventStore(stores.eventStore, registry);
    const quarantine = new Quarantine(eventStore, clock, followerLog(Quarantine.name));
    const delivered = new QuarantinedLog(eventStore, quarantine, inspectEvent);
    const ports = [
      { provide: CONFIG, useValue: config },
      { provide: Clock, useValue: clock },
      ...logPorts(eventStore, delivered, quarantine),
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
    const common = { ...stores, ...privacy, eventStore, delivered, quarantine, clock };
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
        MetricsModule.with([followers, audit], privacy.subjectKeys, config),
      ],
      controllers: [HealthController],
    };
  }
}

const logPorts = (eventStore: EventStore, delivered: QuarantinedLog, quarantine: Quarantine) => [
  { provide: EventStore, useValue: eventStore },
  { provide: QuarantinedLog, useValue: delivered },
  // Before anything is served, it is known what is set aside.
  { provide: Quarantine, useFactory: () => quarantine.catchUp().then(() => quarantine) },
];

@Module({})
class PortsModule {}
