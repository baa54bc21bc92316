import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from './store-errors.js';

export interface Patience {
  /** For how long it is tried again, milliseconds. */
  readonly ms: number;
  /** Which errors are worth another try; those of a store out of reach when absent. */
  readonly worthIt?: (error: unknown) => boolean;
  /** Told of the first failure. */
  readonly onFailure?: (error: unknown) => void;
}

const PAUSE_MS = { first: 100, most: 500 };

/** How long a start waits for the log: one slow answer, or a server that is just being started, must not end it. */
export const START_PATIENCE_MS = 30_000;

/**
 * Does a step that can be done again, until it succeeds or the time is over.
 * @throws what the step failed with last
 */
export async function patiently<T>(step: () => Promise<T>, { ms, worthIt, onFailure }: Patience): Promise<T> {
  const until = performance.now() + ms;
  const isWorthIt = worthIt ?? ((error) => error instanceof StoreUnavailable);
  for (let failures = 0; ; failures += 1) {
    try {
      return await step();
    } catch (error) {
      if (!isWorthIt(error) || performance.now() > until) throw error;
      if (failures === 0) onFailure?.(error);
      const pause = Math.min(PAUSE_MS.first * 2 ** failures, PAUSE_MS.most);
      await delay(pause * (0.5 + Math.random() / 2));
    }
  }
}
