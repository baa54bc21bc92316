import type { EventStore } from '../../event-sourcing/event-store.js';
import { sourceOf } from '../cloud-event.js';
import type { Delivery } from './delivery.js';
import type { Answer } from './sender.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

/** Tries an endpoint out from the instance that was asked, whether it is enabled or not; no lane moves by it. */
export class TestDelivery {
  private readonly never = new AbortController();

  constructor(
    private readonly delivery: Delivery,
    private readonly store: EventStore,
  ) {}

  async send(endpoint: WebhookEndpoint): Promise<Answer> {
    return this.delivery.test(endpoint, sourceOf(await this.store.logId()), this.never.signal);
  }
}
