import { END, EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import type { ServiceSettings } from './store-servers.js';

/** As the adapter asks for it. */
const SEARCH_WINDOW = 1_000;

export interface RawEvent {
  /** As the service names it. */
  readonly stream: string;
  readonly revision: number;
}

export interface RawSubscription {
  close(): Promise<void>;
}

/**
 * A subscription such as the service's, with the client alone: nothing is parsed into events of ours, put into batches or
 * resumed. Resolves once the server has confirmed it.
 */
export async function subscribeRaw(
  servers: ServiceSettings,
  from: 'start' | 'end',
  onEvent: (event: RawEvent) => void,
): Promise<RawSubscription> {
  const prefix = servers['EVENTSTORE_PREFIX'] ?? '';
  const client = EventStoreDBClient.connectionString(servers['EVENTSTORE_URL'] ?? '');
  const subscription = client.subscribeToAll({
    fromPosition: from === 'start' ? START : END,
    filter: streamNameFilter({ prefixes: [`${prefix}customer-`], maxSearchWindow: SEARCH_WINDOW }),
  });
  subscription.on('data', ({ event }) => {
    if (event !== undefined) onEvent({ stream: event.streamId.slice(prefix.length), revision: Number(event.revision) });
  });
  await new Promise<void>((resolve, reject) => {
    subscription.once('confirmation', resolve).once('error', reject);
  });
  return {
    close: async () => {
      await subscription.unsubscribe();
      await client.dispose();
    },
  };
}

/** All events of the service's customers, from the beginning. @param events how many there are */
export async function readRaw(servers: ServiceSettings, events: number): Promise<void> {
  let all: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (all = resolve));
  let seen = 0;
  const subscription = await subscribeRaw(servers, 'start', () => {
    seen += 1;
    if (seen === events) all();
  });
  await done;
  await subscription.close();
}
