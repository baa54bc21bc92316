import { type AllStreamResolvedEvent, type EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import type { Position, SubscriptionMessage } from '../../event-sourcing/event-store.js';
import { NoAnswer } from './client-errors.js';
import { isSystemType, toRecorded } from './event-messages.js';
import { fromPosition, toPosition } from './log-positions.js';
import { describedBy, isTruncation, metadataStream } from './stream-metadata.js';

/**
 * How many events of others the server passes over before it says how far it has come. With its default of 32 it says so
 * for every page of a sparse log; this many are passed over again in some milliseconds.
 */
const SEARCH_WINDOW = 1_000;

export interface Connecting {
  readonly after: Position | undefined;
  readonly prefixes: readonly string[];
  /** Until the server has confirmed the subscription, milliseconds. */
  readonly patienceMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * One connection's messages in their order, as fast as they are asked for and no faster. It ends, or throws an error of the
 * client, when the connection does.
 */
export async function* liveMessages(
  client: EventStoreDBClient,
  { after, prefixes, patienceMs, signal }: Connecting,
): AsyncGenerator<SubscriptionMessage, undefined> {
  const subscription = client.subscribeToAll({
    fromPosition: after === undefined ? START : fromPosition(after),
    // As reads are: a follower that lags would say that it has caught up with less than has been read.
    requiresLeader: true,
    filter: streamNameFilter({
      // The metadata of a stream tells that it was truncated or deleted softly.
      prefixes: [...prefixes, ...prefixes.map(metadataStream)],
      maxSearchWindow: SEARCH_WINDOW,
      // The client tells of marks at once, ahead of the events that still wait to be read. Pushed into the same stream
      // they keep their place.
      checkpointReached: (self, position) => {
        self.push({ kind: 'checkpoint', position: toPosition(position) } satisfies SubscriptionMessage);
      },
    }),
  });
  const leave = (): void => void subscription.destroy();
  const unconfirmed = setTimeout(() => subscription.destroy(new NoAnswer()), patienceMs);
  subscription.on('confirmation', () => clearTimeout(unconfirmed));
  subscription.on('caughtUp', () => subscription.push({ kind: 'caught_up' } satisfies SubscriptionMessage));
  // An error that comes after the loop was left has nobody else to go to, and would end the process.
  subscription.on('error', () => undefined);
  signal.addEventListener('abort', leave);
  try {
    if (signal.aborted) return;
    for await (const item of subscription as AsyncIterable<SubscriptionMessage | AllStreamResolvedEvent>) {
      yield 'kind' in item ? item : toMessage(item);
    }
  } finally {
    clearTimeout(unconfirmed);
    signal.removeEventListener('abort', leave);
    // Leaving the loop ends the reading of the call, not the call.
    subscription.unsubscribe().catch(() => undefined);
  }
}

function toMessage(resolved: AllStreamResolvedEvent): SubscriptionMessage {
  const { event } = resolved;
  if (event === undefined || !isSystemType(event.type)) return { kind: 'event', event: toRecorded(resolved) };
  const suspect = suspectIn(event);
  return { kind: 'checkpoint', position: toPosition(event.position), ...(suspect !== undefined && { suspect }) };
}

/** The stream that this mark of the server's is about: it was deleted for good, or truncated, or deleted softly. */
function suspectIn({ type, streamId, data }: NonNullable<AllStreamResolvedEvent['event']>): string | undefined {
  if (type === TOMBSTONE) return streamId;
  return isTruncation(data) ? describedBy(streamId) : undefined;
}

const TOMBSTONE = '$streamDeleted';
