import type { SealedCustomerEvent } from '../customers/customer-events.js';
import { EVENTS, newValues } from '../customers/domain/events.js';
import { isoTime } from '../customers/read-model/project.js';

/** What an event's envelope tells of it besides its data. */
export interface EventPlace {
  readonly customerId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type FieldValues = Readonly<Record<string, unknown>>;

/**
 * The new values under the names the customer's resource has them, personal ones still sealed; `null` where a value was
 * cleared. What the catalogue does not name, the storage format has for itself.
 */
export function toldValues(event: SealedCustomerEvent, place: EventPlace): FieldValues {
  const values: FieldValues = { ...event.data, ...newValues(event), ...sourceOf(event, place) };
  return Object.fromEntries(EVENTS[event.type].tells.map((name) => [name, values[name]]));
}

function sourceOf(event: SealedCustomerEvent, { customerId, at }: EventPlace): FieldValues {
  if (event.type !== 'SourceAttached') return {};
  const { sourceId: id, type, state, reusable } = event.data;
  return { source: { id, customerId, type, state, reusable, createdTime: isoTime(at) } };
}
