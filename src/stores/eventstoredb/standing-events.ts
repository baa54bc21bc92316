import { BACKWARDS, END, type EventStoreDBClient, type ResolvedEvent } from '@eventstore/db-client';
import { isJsonObject, standing, type StandingEvent } from '../../event-sourcing/event-store.js';
import { isAbsent, isTombstoned } from './client-errors.js';
import { collect } from './reading.js';
import { isTruncation, metadataStream } from './stream-metadata.js';

/**
 * What stands at a place of a stream that an event was seen at. `removed` when the stream was tombstoned, deleted or
 * truncated, so that the place tells nothing; undefined when nothing stands there and nobody removed it.
 * @throws NoAnswer, or an error of the client
 */
export async function standingAt(
  client: EventStoreDBClient,
  { stream, revision }: { readonly stream: string; readonly revision: number },
  ms: number,
): Promise<StandingEvent | 'removed' | undefined> {
  const options = { fromRevision: BigInt(revision), maxCount: 1, requiresLeader: true };
  try {
    const [found] = await collect(client.readStream(stream, options), ms, 1);
    if (found?.event?.revision === BigInt(revision)) return standingOf(found);
    // Further events follow, or none: only truncation leaves a gap.
    if (found !== undefined) return 'removed';
  } catch (error) {
    if (isTombstoned(error)) return 'removed';
    if (!isAbsent(error)) throw error;
  }
  return (await isTruncated(client, stream, ms)) ? 'removed' : undefined;
}

function standingOf({ event }: ResolvedEvent): StandingEvent {
  const { id = '', metadata = {} } = event ?? {};
  return standing({ id, metadata: isJsonObject(metadata) ? metadata : {} });
}

async function isTruncated(client: EventStoreDBClient, stream: string, ms: number): Promise<boolean> {
  const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, requiresLeader: true } as const;
  try {
    const [newest] = await collect(client.readStream(metadataStream(stream), options), ms, 1);
    return isTruncation(newest?.event?.data);
  } catch (error) {
    if (isAbsent(error) || isTombstoned(error)) return false;
    throw error;
  }
}
