import { patiently as retry } from '../event-sourcing/patience.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing } from './key-ring.js';

/** How long a store may be out of reach, or too slow, at any one step: longer than an election, or a restart. */
const PATIENCE_MS = 60_000;

/**
 * A step of a command that runs long, and that must not fail over a store that was away for a moment.
 * @param step can be done again
 */
export const patiently = <T>(step: () => Promise<T>): Promise<T> =>
  retry(step, {
    ms: PATIENCE_MS,
    // A missing key is told as one that is out of reach; waiting does not bring it back.
    worthIt: (error) => error instanceof StoreUnavailable && !(error instanceof KeyMissing),
  });
