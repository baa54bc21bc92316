import { customerNotFound } from '../customers/domain/errors.js';
import { IdempotencyKeyReused, PreconditionFailed } from '../event-sourcing/command-context.js';
import { OutcomeUnknown, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing } from '../privacy/key-ring.js';
import { outcomeOf } from './outcomes.js';

describe('what came of a command', () => {
  it.each([
    ['refused', customerNotFound('c1')],
    ['refused', new PreconditionFailed('another version')],
    ['refused', new IdempotencyKeyReused('used')],
    ['unavailable', new StoreUnavailable('read_model')],
    ['unknown', new OutcomeUnknown()],
    ['key_missing', new KeyMissing({ subject: 'c1', revision: 1 }, 'absent')],
    ['failed', new TypeError('a fault of ours')],
    ['failed', 'thrown, but no error'],
  ])('is %s after %p', (outcome, error) => {
    expect(outcomeOf(error)).toBe(outcome);
  });
});
