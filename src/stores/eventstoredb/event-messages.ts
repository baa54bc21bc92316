import { type AllStreamResolvedEvent, type JSONEventData, jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import {
  type EventToAppend,
  isJsonObject,
  type JsonObject,
  type RecordedEvent,
} from '../../event-sourcing/event-store.js';
import { toJson } from '../event-payload.js';
import { toPosition } from './log-positions.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * What the client is given: a copy, since it turns payloads into text only after it has waited for the server.
 * A message that the server can't read breaks the stream which all appends share: so it is refused here.
 * @throws NotJson
 * @throws RangeError an id that is no UUID, or no type
 */
export function toProposed({ id, type, data, metadata }: EventToAppend): JSONEventData {
  if (!UUID.test(id)) throw new RangeError('The id of an event must be a UUID');
  if (type === '') throw new RangeError('An event needs a type');
  return jsonEvent({ id, type, data: copyOf(data), metadata: copyOf(metadata) });
}

/** What the server or an operator wrote, such as the mark of a deleted stream: in our streams, but no event of ours. */
export const isSystemType = (type: string): boolean => type.startsWith('$');

/**
 * A payload that the service did not write is told as unreadable: it must not stop who reads the others.
 * @throws Error the server is too old to tell positions
 */
export function toRecorded({ event }: ResolvedEvent | AllStreamResolvedEvent): RecordedEvent {
  if (event?.position === undefined) throw new Error('The server gave an event without its position');
  const { id, type, streamId, revision, position, created, data, metadata = {} } = event;
  const payload =
    isObject(data) && isObject(metadata) ? { data, metadata } : ({ data: {}, metadata: {}, unreadable: true } as const);
  return {
    id,
    type,
    ...payload,
    stream: streamId,
    revision: Number(revision),
    position: toPosition(position),
    recordedAt: created.getTime(),
  };
}

const copyOf = (value: JsonObject): Record<string, unknown> => JSON.parse(toJson(value)) as Record<string, unknown>;

/** It was parsed from JSON text, or is the bytes of something that is no JSON. */
const isObject = (value: unknown): value is JsonObject => isJsonObject(value) && !ArrayBuffer.isView(value);
