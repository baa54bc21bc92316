import { randomUUID } from 'node:crypto';
import type { Actor } from './command-context.js';
import { type EventDraft, readMetadata, SCHEMA_VERSION } from './envelope.js';
import type { JsonObject, RecordedEvent } from './event-store.js';

/** Records of the quarantine's stream in their envelope. Nothing in them is personal. */
export function quarantineDrafts(
  records: readonly { readonly type: string; readonly data: JsonObject }[],
  actor: Actor,
  last: RecordedEvent | undefined,
  now: number,
): readonly EventDraft[] {
  const requestId = randomUUID();
  const ids = { $correlationId: requestId, $causationId: requestId, commandId: requestId, requestId };
  const at = Math.max(now, last === undefined ? 0 : readMetadata(last).at);
  return records.map((record) => ({ ...record, metadata: { ...ids, actor, at, schemaVersion: SCHEMA_VERSION } }));
}
