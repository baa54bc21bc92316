import { decode } from '../customers/customer-events.js';
import { CUSTOMER_PREFIX, customerIdOf } from '../customers/streams.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { type CloudEventType, EVENT_TYPES } from './cloud-event.js';

/** Which events a reader wants; all customer events where nothing is named. */
export interface EventFilter {
  readonly types?: ReadonlySet<CloudEventType>;
  readonly customerId?: string;
}

/** An event of a type that this release does not know passes any filter on types: nobody may be led past it unseen. */
export function passes({ types, customerId }: EventFilter, recorded: RecordedEvent): boolean {
  if (!recorded.stream.startsWith(CUSTOMER_PREFIX)) return false;
  if (customerId !== undefined && customerIdOf(recorded.stream) !== customerId) return false;
  if (types === undefined) return true;
  const type = typeOf(recorded);
  return type === undefined || types.has(type);
}

/** @returns undefined when a newer release wrote it */
function typeOf(recorded: RecordedEvent): CloudEventType | undefined {
  try {
    return EVENT_TYPES[decode(recorded).type];
  } catch (error) {
    if (error instanceof UnknownEventType) return undefined;
    throw error;
  }
}

/** The events before the first one that a newer release wrote. */
export function knownPart(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  const unknown = events.findIndex((recorded) => typeOf(recorded) === undefined);
  return unknown === -1 ? events : events.slice(0, unknown);
}
