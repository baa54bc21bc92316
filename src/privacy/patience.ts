import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing } from './key-ring.js';

/** How long a store may be out of reach, or too slow, at any one step: longer than an election, or a restart. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 500;

/**
 * A step of a command that runs long, and that must not fail over a store that was away for a moment.
 * @param step can be done again
 */
export async function patiently<T>(step: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      // A missing key is told as one that is out of reach; waiting does not bring it back.
      if (!(error instanceof StoreUnavailable) || error instanceof KeyMissing || performance.now() > until) throw error;
      await delay(RETRY_MS);
    }
  }
}
