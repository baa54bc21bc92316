import { namesOf } from './error-names.js';
import { StoreUnavailable } from './store-errors.js';

const named = (name: string, code?: unknown): Error =>
  Object.assign(new Error('of jane@example.com'), { name, ...(code !== undefined && { code }) });

describe('what a log line says of an error', () => {
  it.each<[string, unknown]>([
    ['RangeError', new RangeError('of jane@example.com')],
    ['StoreUnavailable', new StoreUnavailable('read_model')],
    [
      'StoreUnavailable (NotWritablePrimary 10107)',
      new StoreUnavailable('read_model', { cause: named('NotWritablePrimary', '10107') }),
    ],
    ['UnavailableError 14', named('UnavailableError', 14)],
    ['Error ECONNRESET', named('Error', 'ECONNRESET')],
    ['Error', named('of jane@example.com', 'jane@example.com')],
    ['string', 'jane@example.com'],
    ['object', { ok: 0, errmsg: 'jane@example.com' }],
    ['undefined', undefined],
  ])('%s', (line, error) => {
    expect(namesOf(error)).toBe(line);
  });

  it('ends with a chain of causes that never ends', () => {
    const error = named('Loop');
    error.cause = error;
    expect(namesOf(error)).toBe('Loop (Loop, Loop)');
  });
});
