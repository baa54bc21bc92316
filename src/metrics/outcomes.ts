import { CustomerError } from '../customers/domain/errors.js';
import { IdempotencyKeyReused, PreconditionFailed } from '../event-sourcing/command-context.js';
import { OutcomeUnknown, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing } from '../privacy/key-ring.js';

/**
 * How a command or a query ended:
 * - `done`: accepted, also where there was nothing to do
 * - `refused`: the caller's to mend, answered with 4xx
 * - `unavailable`: a store was out of reach; nothing was done
 * - `unknown`: the log did not tell whether the append landed
 * - `key_missing`: a customer's key is gone though nobody was erased; an alarm
 * - `failed`: a fault of this service
 */
export const OUTCOMES = ['done', 'refused', 'unavailable', 'unknown', 'key_missing', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export function outcomeOf(error: unknown): Exclude<Outcome, 'done'> {
  const refusals = [CustomerError, PreconditionFailed, IdempotencyKeyReused];
  if (refusals.some((refusal) => error instanceof refusal)) return 'refused';
  if (error instanceof OutcomeUnknown) return 'unknown';
  if (error instanceof KeyMissing) return 'key_missing';
  return error instanceof StoreUnavailable ? 'unavailable' : 'failed';
}

/** Which store kept a command or a query from being done, and why; undefined where none did. */
export function storeFaultOf(error: unknown): StoreUnavailable | undefined {
  const cause = error instanceof OutcomeUnknown ? error.cause : error;
  return cause instanceof StoreUnavailable ? cause : undefined;
}
