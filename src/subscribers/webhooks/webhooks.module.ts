import { type DynamicModule, Module } from '@nestjs/common';
import type { Checkpoints } from '../../event-sourcing/checkpoints.js';
import type { Clock } from '../../event-sourcing/clock.js';
import type { EventStore } from '../../event-sourcing/event-store.js';
import type { Quarantine } from '../../event-sourcing/quarantine.js';
import { followerLog } from '../../follower-log.js';
import { HttpModule } from '../../http/http.module.js';
import type { Receipts } from '../../privacy/receipts.js';
import type { MasterKeys } from '../../privacy/master-keys.js';
import { CloudEvents } from '../cloud-event.js';
import { SubscribersModule } from '../subscribers.module.js';
import { Addresses } from './addresses.js';
import { Delivery } from './delivery.js';
import { WebhookDispatcher } from './dispatcher.js';
import { EndpointSecrets } from './endpoint-secrets.js';
import { LaneRun } from './lane-run.js';
import { SoundEvents } from './sound-events.js';
import { Sender } from './sender.js';
import { TestDelivery } from './test-delivery.js';
import { WebhookRegistry } from './webhook-registry.js';
import { Webhooks } from './webhooks.js';
import { WebhooksController } from './webhooks.controller.js';

export interface WebhookParts {
  readonly webhooks: Webhooks;
  /** In the database of the webhooks. */
  readonly webhookCheckpoints: Checkpoints;
  readonly receipts: Receipts;
  readonly eventStore: EventStore;
  /** The log as it is delivered: without what is held. */
  readonly delivered: EventStore;
  readonly quarantine: Quarantine;
  readonly masterKeys: MasterKeys;
  readonly clock: Clock;
  readonly allowLoopback: boolean;
  /** Whether this instance delivers, if it is its turn. */
  readonly delivers: boolean;
  /** Whether it serves requests. */
  readonly serves: boolean;
}

/** Endpoints that are told of events. */
@Module({})
export class WebhooksModule {
  static with(parts: WebhookParts): DynamicModule {
    const {
      webhooks,
      webhookCheckpoints: checkpoints,
      eventStore: store,
      delivered,
      quarantine,
      masterKeys,
      clock,
    } = parts;
    const addresses = new Addresses(parts.allowLoopback);
    const secrets = new EndpointSecrets(masterKeys);
    const delivery = new Delivery(secrets, new Sender(addresses), clock);
    const log = followerLog('WebhookDispatcher');
    const dispatcher = {
      provide: WebhookDispatcher,
      inject: [CloudEvents],
      useFactory: (envelopes: CloudEvents) => {
        const { receipts, delivers } = parts;
        const sound = new SoundEvents(store, quarantine);
        const lanes = new LaneRun({ webhooks, sound, envelopes, delivery, receipts, clock });
        return new WebhookDispatcher({ webhooks, checkpoints, store: delivered, lanes, clock, log, delivers });
      },
    };
    const registry = {
      provide: WebhookRegistry,
      inject: [WebhookDispatcher],
      useFactory: (told: WebhookDispatcher) =>
        new WebhookRegistry({ webhooks, addresses, secrets, store, clock, wake: () => told.wake() }),
    };
    return {
      module: WebhooksModule,
      imports: [SubscribersModule, HttpModule],
      controllers: parts.serves ? [WebhooksController] : [],
      providers: [
        dispatcher,
        registry,
        { provide: Webhooks, useValue: webhooks },
        { provide: TestDelivery, useValue: new TestDelivery(delivery, store) },
      ],
      exports: [dispatcher],
    };
  }
}
