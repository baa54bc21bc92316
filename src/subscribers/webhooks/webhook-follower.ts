import { CUSTOMER_PREFIX, customerIdOf } from '../../customers/streams.js';
import type { Clock } from '../../event-sourcing/clock.js';
import type { EventStore, RecordedEvent } from '../../event-sourcing/event-store.js';
import type { LogHandler } from '../../event-sourcing/log-follower.js';
import { cloudEventTypeOf } from './event-type.js';
import type { LaneWork } from './lane.js';
import { wants, type WebhookEndpoint } from './webhook-endpoint.js';
import type { Webhooks } from './webhooks.js';

/** Notes for every endpoint what is to be delivered, as the log grows; the dispatcher delivers it. */
export class WebhookFollower implements LogHandler {
  readonly name = 'webhooks';
  readonly prefixes = [CUSTOMER_PREFIX];

  constructor(
    private readonly store: EventStore,
    private readonly webhooks: Webhooks,
    private readonly clock: Clock,
    /** Told when there is something to deliver. */
    private readonly wake: () => void,
  ) {}

  checkpointName(): Promise<string> {
    return Promise.resolve(this.name);
  }

  /** Endpoints are read for each batch: one that was made before an event was appended gets that event. */
  async handle(events: readonly RecordedEvent[]): Promise<void> {
    // Also while there are no endpoints: an unknown type is met here, and not once it is to be delivered.
    for (const event of events) cloudEventTypeOf(event);
    const endpoints = await this.webhooks.list();
    const work = endpoints.flatMap((endpoint) => laneWork(endpoint, events.filter(after(this.store, endpoint))));
    if (work.length === 0) return;
    await this.webhooks.enqueue(work, this.clock.now());
    this.wake();
  }
}

const after =
  (store: EventStore, { after: since }: Pick<WebhookEndpoint, 'after'>) =>
  ({ position }: RecordedEvent): boolean =>
    since === undefined || store.comparePositions(position, since) > 0;

/** For each customer from the first wanted event to behind the last. */
export function laneWork(endpoint: WebhookEndpoint, events: readonly RecordedEvent[]): readonly LaneWork[] {
  const lanes = new Map<string, LaneWork>();
  for (const event of events) {
    if (!wants(endpoint, cloudEventTypeOf(event))) continue;
    const customerId = customerIdOf(event.stream);
    const next = lanes.get(customerId)?.next ?? event.revision;
    lanes.set(customerId, { endpointId: endpoint.id, customerId, next, end: event.revision + 1 });
  }
  return [...lanes.values()];
}
