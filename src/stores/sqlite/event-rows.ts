import { isJsonObject, type JsonObject, type Position, type RecordedEvent } from '../../event-sourcing/event-store.js';
import { type CheckedTable, isIntactRow } from './row-checksums.js';

export const EVENTS: CheckedTable = {
  name: 'events',
  key: ['position'],
  columns: ['position', 'stream', 'revision', 'id', 'type', 'data', 'metadata', 'recorded_at'],
};

/** The columns of {@link EventRow}, in its order. */
export const EVENT_COLUMNS = `${EVENTS.columns.join(', ')}, checksum`;

export type EventRow = readonly [number, string, number, string, string, string, string, number, number | null];

/** A row that somebody, or the disk, wrote over is told as unreadable: it must not stop who reads the others. */
export function toRecorded(row: EventRow): RecordedEvent {
  const [position, stream, revision, id, type, data, metadata, recordedAt, checksum] = row;
  const isIntact = isIntactRow(row.slice(0, -1), checksum);
  const [what, about] = isIntact ? [toObject(data), toObject(metadata)] : [];
  const payload =
    what === undefined || about === undefined
      ? ({ data: {}, metadata: {}, unreadable: true } as const)
      : { data: what, metadata: about };
  return { position: toPosition(position), stream, revision, id, type, ...payload, recordedAt };
}

function toObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // The text may hold anything, and is not repeated.
    return undefined;
  }
}

export const toPosition = (position: number): Position => String(position) as Position;

/** @throws RangeError it was made by another store */
export function fromPosition(position: Position): number {
  if (!/^\d{1,15}$/.test(position)) throw new RangeError('Not a position of this log');
  return Number(position);
}
