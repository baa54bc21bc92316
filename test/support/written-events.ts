import { randomUUID } from 'node:crypto';
import { chain, readMetadata, SCHEMA_VERSION } from '../../src/event-sourcing/envelope.js';
import type { EventStore, JsonObject, StreamEvent } from '../../src/event-sourcing/event-store.js';

/** An event with its hash, behind those of a stream: what another release of the service would write. */
export async function nextEvent(
  store: EventStore,
  stream: string,
  type: string,
  data: JsonObject = {},
): Promise<StreamEvent> {
  const last = (await store.read(stream)).at(-1);
  const metadata = {
    $correlationId: 'request-1',
    $causationId: 'command-1',
    commandId: randomUUID(),
    actor: { type: 'system', id: 'test' },
    requestId: 'request-1',
    at: last === undefined ? 0 : readMetadata(last).at,
    schemaVersion: SCHEMA_VERSION,
  } as const;
  const before = last && { revision: last.revision, hash: readMetadata(last).hash };
  const [event] = chain(stream, before, [{ type, data, metadata }]);
  if (event === undefined) throw new Error('Nothing was made');
  return event;
}

/** Appends what another release of the service would write. */
export async function appendByNewerRelease(store: EventStore, stream: string, type = 'FromTheFuture'): Promise<void> {
  const event = await nextEvent(store, stream, type);
  await store.append(stream, event.revision === 0 ? 'no_stream' : event.revision - 1, [event]);
}

/** Appends what somebody else wrote: of a form that may be right, with metadata that is not the service's. */
export async function appendByStranger(
  store: EventStore,
  stream: string,
  type = 'Nonsense',
  data: JsonObject = {},
  metadata: JsonObject = { note: 'written by hand' },
): Promise<void> {
  const last = (await store.read(stream)).at(-1);
  await store.append(stream, last?.revision ?? 'no_stream', [{ id: randomUUID(), type, data, metadata }]);
}
