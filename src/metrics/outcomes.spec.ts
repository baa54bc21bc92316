import { customerNotFound } from '../customers/domain/errors.js';
import { IdempotencyKeyReused, PreconditionFailed } from '../event-sourcing/command-context.js';
import { OutcomeUnknown, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing } from '../privacy/key-ring.js';
import { outcomeOf, storeFaultOf } from './outcomes.js';

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

describe('the store that kept a command from being done', () => {
  const full = new StoreUnavailable('event_log', { kind: 'full' });

  it.each([
    ['named by an outage', full, full],
    ['named by an outcome that is unknown for it', new OutcomeUnknown({ cause: full }), full],
    ['none after a refusal', customerNotFound('c1'), undefined],
    ['none where nothing tells', new OutcomeUnknown(), undefined],
  ])('is %s', (_, error, fault) => {
    expect(storeFaultOf(error)).toBe(fault);
  });
});
