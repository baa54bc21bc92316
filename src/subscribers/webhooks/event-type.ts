import { UnknownEventType } from '../../event-sourcing/log-follower.js';
import type { RecordedEvent } from '../../event-sourcing/event-store.js';
import { type CloudEventType, EVENT_TYPES } from '../cloud-event.js';

const TYPES: ReadonlyMap<string, CloudEventType> = new Map(Object.entries(EVENT_TYPES));

/** @throws UnknownEventType a newer release wrote it */
export function cloudEventTypeOf({ type }: Pick<RecordedEvent, 'type'>): CloudEventType {
  const known = TYPES.get(type);
  if (known === undefined) throw new UnknownEventType();
  return known;
}
