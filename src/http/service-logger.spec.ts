import { Writable } from 'node:stream';
import { describeError, ServiceLogger } from './service-logger.js';

function logged(use: (log: ServiceLogger) => void): string {
  let text = '';
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  use(new ServiceLogger('trace', destination));
  return text;
}

/** What JSON.parse says: it quotes what it choked on. */
function quotingError(): Error {
  try {
    JSON.parse('canary@example.com');
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('JSON.parse took it');
}

describe('the log', () => {
  it('tells of an error its name, its code, its frames and its cause, never a message', () => {
    const error = new TypeError('canary one', { cause: Object.assign(quotingError(), { code: 'E_CODE' }) });
    expect(quotingError().message).toContain('canary');
    const described = describeError(error);
    expect(described).toMatchObject({ name: 'TypeError', cause: { name: 'SyntaxError', code: 'E_CODE' } });
    expect(described['stack']).toEqual(expect.arrayContaining([expect.stringMatching(/^at .*service-logger\.spec/)]));
    expect(JSON.stringify(described)).not.toContain('canary');
  });

  it('tells nothing of a name or code that is no plain word, and of what is no error only its type', () => {
    const error = Object.assign(new Error('x'), { name: 'canary of jane@example.com', code: 'canary me' });
    expect(JSON.stringify([describeError(error), describeError('canary'), describeError({ canary: 1 })])).not.toContain(
      'canary',
    );
  });

  it('ends with a chain of causes that never ends', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(JSON.stringify(describeError(error)).length).toBeLessThan(20_000);
  });

  it("passes Nest's messages on with their context, but none that comes from an error", () => {
    const error = quotingError();
    const text = logged((log) => {
      log.warn('Slow start', 'Context');
      log.error(error.message, error.stack, 'Handler');
      log.error(error, 'Handler');
      log.error('It failed', error, 'Handler');
    });
    const lines = text.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    expect(lines).toMatchObject([
      { level: 'warn', msg: 'Slow start', context: 'Context' },
      { level: 'error', msg: 'error', context: 'Handler' },
      { level: 'error', msg: 'error', context: 'Handler', error: { name: 'SyntaxError' } },
      { level: 'error', msg: 'It failed', context: 'Handler', error: { name: 'SyntaxError' } },
    ]);
    expect(text).not.toContain('canary');
  });
});
