import { setTimeout as delay } from 'node:timers/promises';
import { type Batch, batches } from '../../event-sourcing/batches.js';
import { type Checkpoints, namedInCheckpoint } from '../../event-sourcing/checkpoints.js';
import type { EventStore, RecordedEvent } from '../../event-sourcing/event-store.js';
import type { LogHandler } from '../../event-sourcing/log-follower.js';
import { patiently } from '../../privacy/patience.js';
import { CUSTOMER_PREFIX } from '../streams.js';
import { projectionCheckpoint } from './customer-projection.js';
import type { CustomerViews } from './customer-views.js';

export interface RebuildProgress {
  readonly events: number;
  /** 0 to 1, of the log as it was at the start. */
  readonly fraction: number;
}

export interface RebuildParts {
  readonly store: EventStore;
  readonly views: CustomerViews;
  readonly checkpoints: Checkpoints;
  /** Into one generation. */
  readonly projectionInto: (generation: number) => LogHandler;
  readonly onProgress: (progress: RebuildProgress) => void;
  /** Two of the periods in which every instance looks at the pointer of the live generation. */
  readonly settleMs: number;
}

const BATCH = 500;

/**
 * Builds all views anew from the log beside the live ones, then switches in one step, while the service runs: from the
 * moment a generation is under construction every write goes to it too.
 * @throws KeyMissing a key is gone without an erasure: nothing is switched
 */
export async function rebuildViews(parts: RebuildParts): Promise<{ readonly events: number }> {
  const { views, settleMs } = parts;
  const old = (await patiently(() => views.generations())).live;
  const generation = await patiently(() => views.startBuilding());
  try {
    await delay(settleMs);
    const events = await replayInto(generation, parts);
    await patiently(() => views.goLive(generation));
    await delay(settleMs);
    await patiently(() => views.dropGeneration(old));
    await patiently(() => parts.checkpoints.remove(projectionCheckpoint(old)));
    return { events };
  } catch (error) {
    // What is left of it, should that fail as well, the next rebuild drops; why this one failed is told.
    await dropUnlessLive(views, generation).catch(() => undefined);
    throw error;
  }
}

async function dropUnlessLive(views: CustomerViews, generation: number): Promise<void> {
  if ((await views.generations()).live !== generation) await views.dropGeneration(generation);
}

async function replayInto(generation: number, parts: RebuildParts): Promise<number> {
  const { store, onProgress } = parts;
  const head = await patiently(() => store.head());
  if (head === undefined) return 0;
  const projection = parts.projectionInto(generation);
  const logId = await patiently(() => store.logId());
  const done = new AbortController();
  let count = 0;
  let newest: RecordedEvent | undefined;
  const take = async (batch: Batch): Promise<void> => {
    await patiently(() => projection.handle(batch.events, done.signal));
    count += batch.events.length;
    newest = batch.events.at(-1) ?? newest;
    if (batch.position !== undefined) {
      const last = newest && namedInCheckpoint(newest);
      const checkpoint = { logId, position: batch.position, ...(last && { last }) };
      await patiently(() => parts.checkpoints.save(projectionCheckpoint(generation), checkpoint));
      onProgress({ events: count, fraction: store.fraction(batch.position, head) });
    }
    if (batch.caughtUp) done.abort();
  };
  for await (const batch of batches(store.subscribe({ prefixes: [CUSTOMER_PREFIX], signal: done.signal }), BATCH)) {
    await take(batch).catch((error: unknown) => {
      // A subscription that waits for the next event ends by its signal alone.
      done.abort();
      throw error;
    });
  }
  return count;
}
