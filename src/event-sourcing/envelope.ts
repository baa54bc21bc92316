import { createHash, randomUUID } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';
import type { Actor } from './command-context.js';
import { type EventToAppend, isJsonObject, type Json, type JsonObject, type StreamEvent } from './event-store.js';

/** What every event carries besides its data. Never a personal value in clear. */
export interface EventMetadata {
  readonly $correlationId: string;
  readonly $causationId: string;
  /** Names the command; the same for all events of one append. */
  readonly commandId: string;
  /** Sealed digest of the request, present when the caller sent an `Idempotency-Key`. */
  readonly fingerprint?: Json;
  readonly actor: Actor;
  /** Why; its text sealed. */
  readonly reason?: { readonly code: string; readonly text?: Json };
  readonly requestId: string;
  readonly traceparent?: string;
  /** Milliseconds since the epoch, our clock; never runs backwards in a stream. */
  readonly at: number;
  readonly schemaVersion: number;
  /** Which revision of the subject's key sealed the values of this event; absent when nothing in it is sealed. */
  readonly keyRevision?: number;
  /** Hash of the event before it in the stream, null for the first: the stream is a chain. */
  readonly prevHash: string | null;
  readonly hash: string;
}

export const SCHEMA_VERSION = 1;

/** An event that is decided and sealed, but has no place in a stream yet. */
export interface EventDraft {
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: Omit<EventMetadata, 'prevHash' | 'hash'>;
}

/** Stored metadata that is not what we write: the log was altered, or written by something else. */
export class MalformedEvent extends Error {
  override readonly name = 'MalformedEvent';
}

/**
 * SHA-256 (hex) over the RFC 8785 canonical JSON of everything that makes the event, as stored. Canonical, so that no
 * store needs to keep bytes exactly; anyone can check it without a key.
 */
export function hashEvent(event: StreamEvent): string {
  const { hash: _, ...metadata } = event.metadata;
  const { id, type, stream, revision, data } = event;
  const prevHash = metadata['prevHash'] ?? null;
  const text = canonicalJson({ prevHash, id, type, stream, revision, data, metadata });
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Gives drafts their ids and their place: after `last`, or as the first of the stream.
 * @throws RangeError a draft that could not be read back: appended, it would be damage
 */
export function chain(
  stream: string,
  last: { readonly revision: number; readonly hash: string } | undefined,
  drafts: readonly EventDraft[],
): readonly StreamEvent[] {
  let prevHash = last?.hash ?? null;
  let revision = last?.revision ?? -1;
  return drafts.map((draft) => {
    revision += 1;
    const open = { id: randomUUID(), type: draft.type, stream, revision, data: draft.data };
    const metadata = asJson({ ...draft.metadata, prevHash });
    const hash = hashEvent({ ...open, metadata });
    prevHash = hash;
    const event = { ...open, metadata: { ...metadata, hash } };
    if (!isEventMetadata(event.metadata))
      throw new RangeError(`A ${draft.type} has metadata that can not be read back`);
    return event;
  });
}

const asJson = (metadata: Omit<EventMetadata, 'hash'>): JsonObject => {
  const { actor, ...rest } = metadata;
  return { ...rest, actor: { type: actor.type, id: actor.id } };
};

/** The stored metadata, checked. @throws MalformedEvent */
export function readMetadata(event: Pick<EventToAppend, 'metadata'>): EventMetadata {
  const { metadata } = event;
  if (!isEventMetadata(metadata))
    throw new MalformedEvent('An event carries metadata that this service does not write');
  return metadata;
}

function isEventMetadata(value: JsonObject): value is JsonObject & EventMetadata {
  return (
    typeof value['commandId'] === 'string' &&
    isTime(value['at']) &&
    typeof value['hash'] === 'string' &&
    typeof value['requestId'] === 'string' &&
    isActor(value['actor']) &&
    (value['traceparent'] === undefined || typeof value['traceparent'] === 'string') &&
    (value['prevHash'] === null || typeof value['prevHash'] === 'string') &&
    (value['keyRevision'] === undefined || typeof value['keyRevision'] === 'number') &&
    (value['reason'] === undefined || isReason(value['reason']))
  );
}

/** Milliseconds that a date can have (ECMA-262, 21.4.1.1). */
const isTime = (value: Json | undefined): boolean => typeof value === 'number' && Math.abs(value) <= 8.64e15;

const isActor = (value: Json | undefined): boolean =>
  isJsonObject(value) && typeof value['type'] === 'string' && typeof value['id'] === 'string';

const isReason = (value: Json): boolean => isJsonObject(value) && typeof value['code'] === 'string';
