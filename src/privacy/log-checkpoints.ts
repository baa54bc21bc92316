import type { Position } from '../event-sourcing/event-store.js';

/** Signed statements about the log, each of which vouches for all that stood in it then. */
export abstract class LogCheckpoints {
  /**
   * The first one that covers what stands at the position; undefined while there is none.
   * @throws StoreUnavailable
   */
  abstract covering(position: Position): Promise<string | undefined>;
}
