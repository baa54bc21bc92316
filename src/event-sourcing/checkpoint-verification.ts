import type { Checkpoint } from './checkpoints.js';
import type { EventStore } from './event-store.js';
import { LogMismatch } from './store-errors.js';

/**
 * Whether the log is the one that a checkpoint was made from. An event that an operator removed decides nothing: identity
 * and end of the log do then.
 * @throws LogMismatch
 * @throws StoreUnavailable
 */
export async function verifyCheckpoint(store: EventStore, checkpoint: Checkpoint, name: string): Promise<void> {
  const refuse = (what: string): never => {
    throw new LogMismatch(
      `The event log is not the one "${name}" has followed (${what}). Was it wiped or restored? ` +
        'Restore the matching log, or rebuild the views from this one: npm run admin -- rebuild',
    );
  };
  if (checkpoint.logId !== (await store.logId())) refuse('it has another id');
  const end = await store.end();
  if (end === undefined || store.comparePositions(end, checkpoint.position) < 0)
    refuse('it ends before the checkpoint');
  const { last, position } = checkpoint;
  if (last !== undefined) {
    const found = await store.standingAt(last);
    const isOther = found !== 'removed' && (found?.eventId !== last.eventId || found.hash !== last.hash);
    if (isOther) refuse('another event stands at the checkpoint');
  }
  store.expect(position, last);
}
