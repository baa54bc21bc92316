import { type DynamicModule, Module } from '@nestjs/common';
import type { Stores } from './adapters.js';
import { TreeFollower } from './audit/tree-follower.js';
import { CustomerErasures } from './customers/read-model/customer-erasures.js';
import { CustomerProjection } from './customers/read-model/customer-projection.js';
import { EmailIndexing } from './customers/read-model/email-indexing.js';
import { SourceFollower } from './customers/sources/source-follower.js';
import { SourceOwnership } from './customers/sources/source-ownership.js';
import { CustomersModule } from './customers/customers.module.js';
import type { Checkpoints } from './event-sourcing/checkpoints.js';
import type { Clock } from './event-sourcing/clock.js';
import { LogFollower, type LogHandler } from './event-sourcing/log-follower.js';
import { LogFollowers } from './event-sourcing/log-followers.js';
import { ReadGate } from './event-sourcing/read-gate.js';
import { followerLog } from './follower-log.js';
import { ErasureFollower } from './privacy/erasure-follower.js';
import { ErasuresAtStart } from './privacy/erasures-at-start.js';
import { ReceiptFollower } from './privacy/receipt-follower.js';
import type { KeyRing } from './privacy/key-ring.js';
import type { ServiceSecrets } from './privacy/service-secrets.js';
import { WebhookDispatcher } from './subscribers/webhooks/dispatcher.js';
import { WebhookFollower } from './subscribers/webhooks/webhook-follower.js';

export interface FollowerParts extends Omit<Stores, 'apiKeys' | 'subjectKeys' | 'close'> {
  readonly keys: KeyRing;
  readonly secrets: ServiceSecrets;
  /** Provides the dispatcher, which is told of what there is to deliver. */
  readonly webhooksModule: DynamicModule;
  readonly clock: Clock;
  /** Whether this instance follows the log itself; else it only watches how far those are that do. */
  readonly follows: boolean;
}

/** What follows the log: the projector, the finishing of erasures and of claims, the noting for webhooks, the audit tree. */
@Module({})
export class FollowersModule {
  static with(parts: FollowerParts): DynamicModule {
    const { eventStore: store, customerViews, checkpoints, keyCheckpoints, keys, secrets, clock } = parts;
    const projection = new CustomerProjection(store, customerViews, keys, new EmailIndexing(secrets));
    const leaves = follow(new TreeFollower(store, parts.auditTree), parts.auditCheckpoints, parts);
    const ends = new CustomerErasures(projection);
    const atStart = new ErasuresAtStart(ends);
    const projector = follow(atStart.watched('read_model', projection), checkpoints, parts);
    const erasing = new ErasureFollower(ends, keys);
    const erasures = follow(atStart.watched('subject_keys', erasing), keyCheckpoints, parts);
    const receipts = follow(new ReceiptFollower(ends, parts.receipts), parts.receiptCheckpoints, parts);
    const followers = {
      provide: LogFollowers,
      inject: [SourceOwnership, WebhookDispatcher],
      useFactory: (ownership: SourceOwnership, dispatcher: WebhookDispatcher) =>
        new LogFollowers(
          store,
          [
            { name: 'projector', follower: projector, beforeServing: true },
            { name: 'erasures', follower: erasures, beforeServing: true },
            {
              name: 'sources',
              follower: follow(new SourceFollower(store, clock, ownership), checkpoints, parts),
              beforeServing: false,
            },
            { name: 'webhooks', follower: noting(parts, dispatcher), beforeServing: false },
            { name: 'audit-tree', follower: leaves, beforeServing: false },
            { name: 'receipts', follower: receipts, beforeServing: false },
          ],
          followerLog(LogFollowers.name),
        ),
    };
    const gate = { provide: ReadGate, useValue: new ReadGate(store, customerViews, projector) };
    const gateModule: DynamicModule = { module: ReadGateModule, global: true, providers: [gate], exports: [gate] };
    return {
      module: FollowersModule,
      imports: [gateModule, CustomersModule, parts.webhooksModule],
      providers: [followers, { provide: ErasuresAtStart, useValue: atStart }],
      exports: [followers, ErasuresAtStart],
    };
  }
}

@Module({})
class ReadGateModule {}

function noting(parts: FollowerParts, dispatcher: WebhookDispatcher): LogFollower {
  const { eventStore, webhooks, webhookCheckpoints, clock } = parts;
  const follower = new WebhookFollower(eventStore, webhooks, clock, () => dispatcher.wake());
  return follow(follower, webhookCheckpoints, parts);
}

function follow(handler: LogHandler, checkpoints: Checkpoints, parts: FollowerParts): LogFollower {
  const { eventStore: store, clock, follows } = parts;
  const log = followerLog(`LogFollower:${handler.name}`);
  return new LogFollower({ store, checkpoints, handler, owner: checkpoints.owner, clock, log, watchOnly: !follows });
}
