import { CUSTOMER_PREFIX } from '../../customers/streams.js';
import { batches } from '../../event-sourcing/batches.js';
import type { Clock } from '../../event-sourcing/clock.js';
import { readMetadata } from '../../event-sourcing/envelope.js';
import type { EventStore, RecordedEvent } from '../../event-sourcing/event-store.js';
import type { Replay, WebhookEndpoint } from './webhook-endpoint.js';
import { laneWork } from './webhook-follower.js';
import type { Webhooks } from './webhooks.js';

const BATCH = 500;

export interface ReplayParts {
  readonly store: EventStore;
  readonly webhooks: Webhooks;
  readonly clock: Clock;
  readonly wake: () => void;
}

/**
 * Sets the endpoint's lanes back to what its replay covers. Begun anew after a crash: a lane that was set back by this
 * replay is not set back again.
 */
export async function runReplay(parts: ReplayParts, endpoint: WebhookEndpoint, signal: AbortSignal): Promise<void> {
  const { replay } = endpoint;
  if (replay === undefined) return;
  const { store, webhooks, clock, wake } = parts;
  const done = new AbortController();
  const options = { after: replay.after, prefixes: [CUSTOMER_PREFIX], signal: AbortSignal.any([signal, done.signal]) };
  const isOver = isBehind(store, replay);
  try {
    for await (const batch of batches(store.subscribe(options), BATCH)) {
      if (!(await isWanted(webhooks, endpoint.id, replay))) return;
      const work = laneWork(endpoint, batch.events.filter(isCovered(store, replay)));
      await webhooks.rewind(work, replay.id, clock.now());
      await webhooks.enqueue(work, clock.now());
      wake();
      if (batch.caughtUp || (batch.position !== undefined && isOver(batch.position))) break;
    }
  } finally {
    done.abort();
  }
  signal.throwIfAborted();
  await finish(webhooks, endpoint.id, replay);
}

const isBehind =
  (store: EventStore, { until }: Replay) =>
  (position: RecordedEvent['position']): boolean =>
    store.comparePositions(position, until) >= 0;

const isCovered =
  (store: EventStore, { since, until }: Replay) =>
  (event: RecordedEvent): boolean =>
    store.comparePositions(event.position, until) <= 0 && (since === undefined || readMetadata(event).at >= since);

/** Not once the endpoint is removed, which would be given lanes that nobody ever removes, or begun on another log. */
async function isWanted(webhooks: Webhooks, endpointId: string, { id }: Replay): Promise<boolean> {
  return (await webhooks.find(endpointId))?.replay?.id === id;
}

async function finish(webhooks: Webhooks, endpointId: string, { id }: Replay): Promise<void> {
  for (;;) {
    const standing = await webhooks.find(endpointId);
    if (standing?.replay?.id !== id) return;
    const { replay: _, ...rest } = standing;
    if (await webhooks.replace({ ...rest, version: rest.version + 1 }, rest.version)) return;
  }
}
