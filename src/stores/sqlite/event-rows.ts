import type { JsonObject, Position, RecordedEvent } from '../../event-sourcing/event-store.js';

/** The columns of {@link EventRow}, in its order. */
export const EVENT_COLUMNS = 'position, stream, revision, id, type, data, metadata, recorded_at';

export type EventRow = readonly [number, string, number, string, string, string, string, number];

export function toRecorded([
  position,
  stream,
  revision,
  id,
  type,
  data,
  metadata,
  recordedAt,
]: EventRow): RecordedEvent {
  return {
    position: toPosition(position),
    stream,
    revision,
    id,
    type,
    data: JSON.parse(data) as JsonObject,
    metadata: JSON.parse(metadata) as JsonObject,
    recordedAt,
  };
}

export const toPosition = (position: number): Position => String(position) as Position;

/** @throws RangeError it was made by another store */
export function fromPosition(position: Position): number {
  if (!/^\d{1,15}$/.test(position)) throw new RangeError('Not a position of this log');
  return Number(position);
}
