import type { Checkpoint, Checkpoints } from './checkpoints.js';
import type { EventStore, Position } from './event-store.js';
import { verifyCheckpoint } from './checkpoint-verification.js';
import { LogMismatch } from './store-errors.js';

/** How far the log has been followed, and the newest event of the service up to there; undefined when there is none. */
export interface PassedPlace {
  readonly upTo: Position;
  readonly newest: Position | undefined;
}

export interface KeptCheckpoint {
  readonly checkpoints: Checkpoints;
  /** Of a follower that is brought on by following all streams of the service, and by nothing else. */
  readonly name: string;
}

/**
 * The furthest of the checkpoints that are of this very log; undefined when there is none. One that can't be read now is left
 * out.
 * @throws StoreUnavailable of the log
 */
export async function passedPlace(
  store: EventStore,
  kept: readonly KeptCheckpoint[],
): Promise<PassedPlace | undefined> {
  const loaded = await Promise.all(kept.map(({ checkpoints, name }) => checkpoints.load(name).catch(() => undefined)));
  const furthestFirst = kept
    .flatMap(({ name }, at) => {
      const checkpoint = loaded[at];
      return checkpoint === undefined ? [] : [{ name, checkpoint }];
    })
    .sort((a, b) => store.comparePositions(b.checkpoint.position, a.checkpoint.position));
  for (const { name, checkpoint } of furthestFirst) {
    const place = await placeOf(store, checkpoint, name);
    if (place !== undefined) return place;
  }
  return undefined;
}

async function placeOf(store: EventStore, checkpoint: Checkpoint, name: string): Promise<PassedPlace | undefined> {
  const { position, last } = checkpoint;
  try {
    await verifyCheckpoint(store, checkpoint, name);
  } catch (error) {
    if (error instanceof LogMismatch) return undefined;
    throw error;
  }
  // Where it names none, marks alone were passed since the beginning of the log.
  if (last === undefined) return { upTo: position, newest: undefined };
  const [newest] = await store.read(last.stream, { from: last.revision, limit: 1 });
  return newest && { upTo: position, newest: newest.position };
}
