import { MalformedEvent } from '../../event-sourcing/envelope.js';
import { isJsonObject, type JsonObject, type Position, type RecordedEvent } from '../../event-sourcing/event-store.js';
import { type CheckedTable, requireIntact } from './row-checksums.js';

export const EVENTS: CheckedTable = {
  name: 'events',
  key: ['position'],
  columns: ['position', 'stream', 'revision', 'id', 'type', 'data', 'metadata', 'recorded_at'],
};

/** The columns of {@link EventRow}, in its order. */
export const EVENT_COLUMNS = `${EVENTS.columns.join(', ')}, checksum`;

export type EventRow = readonly [number, string, number, string, string, string, string, number, number | null];

/** @throws MalformedEvent somebody wrote to the file by hand, or the disk did */
export function toRecorded(row: EventRow): RecordedEvent {
  const [position, stream, revision, id, type, data, metadata, recordedAt, checksum] = row;
  requireIntact(EVENTS.name, row.slice(0, -1), checksum);
  return {
    position: toPosition(position),
    stream,
    revision,
    id,
    type,
    data: toObject(data),
    metadata: toObject(metadata),
    recordedAt,
  };
}

function toObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // The text may hold anything, and is not repeated.
  }
  throw new MalformedEvent('A row of the event log is not what was written there');
}

export const toPosition = (position: number): Position => String(position) as Position;

/** @throws RangeError it was made by another store */
export function fromPosition(position: Position): number {
  if (!/^\d{1,15}$/.test(position)) throw new RangeError('Not a position of this log');
  return Number(position);
}
