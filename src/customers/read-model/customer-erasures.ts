import type { RecordedEvent } from '../../event-sourcing/event-store.js';
import type { Erasures } from '../../privacy/erasure-follower.js';
import type { KeyRef } from '../../privacy/subject-keys.js';
import { decode, LIFE_ENDS } from '../customer-events.js';
import { inspectEvent } from '../event-inspection.js';
import { CUSTOMER_PREFIX, customerIdOf } from '../streams.js';
import type { CustomerProjection } from './customer-projection.js';

/** A customer's life ends, and its key with it, by erasure or by deletion. */
export class CustomerErasures implements Erasures {
  readonly prefixes = [CUSTOMER_PREFIX];

  constructor(private readonly projection: CustomerProjection) {}

  keyEndedBy(recorded: RecordedEvent): KeyRef | undefined {
    return keyEndedBy(recorded);
  }

  redact(events: readonly RecordedEvent[]): Promise<void> {
    return this.projection.handle(events);
  }
}

/** The key of the life that this event ended, if it is such an event, and the service wrote it. */
export function keyEndedBy(recorded: RecordedEvent): KeyRef | undefined {
  if (!LIFE_ENDS.has(recorded.type) || inspectEvent(recorded) !== undefined) return undefined;
  const event = decode(recorded);
  if (event.type !== 'CustomerErased' && event.type !== 'CustomerDeleted') return undefined;
  return { subject: customerIdOf(recorded.stream), revision: event.data.keyRevision };
}
