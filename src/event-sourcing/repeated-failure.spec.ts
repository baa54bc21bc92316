import { setTimeout as delay } from 'node:timers/promises';
import { passesByItself, RepeatedFailure } from './repeated-failure.js';
import { OutcomeUnknown, StoreUnavailable } from './store-errors.js';

type Line = [level: string, message: string, details: Readonly<Record<string, unknown>>];

describe('A failure that repeats', () => {
  const away = new StoreUnavailable('event_log');
  let lines: Line[];
  let now: number;
  let failure: RepeatedFailure;

  const logTo = (into: Line[]) => ({
    warn: (message: string, details: object) => void into.push(['warn', message, { ...details }]),
    error: (message: string, details: object) => void into.push(['error', message, { ...details }]),
  });

  beforeEach(() => {
    lines = [];
    now = 0;
    failure = new RepeatedFailure({ log: logTo(lines), what: 'it fails', now: () => now });
  });

  it('is logged once when it begins, each minute while it lasts, and once when it ends', () => {
    for (; now < 150_000; now += 100) failure.failed(away);
    failure.recovered();
    failure.recovered();
    expect(lines).toEqual([
      ['warn', 'it fails', { error: 'StoreUnavailable', store: 'event_log' }],
      ['warn', 'it fails', { error: 'StoreUnavailable', store: 'event_log', failures: 601, seconds: 60 }],
      ['warn', 'it fails', { error: 'StoreUnavailable', store: 'event_log', failures: 1201, seconds: 120 }],
      ['warn', 'it fails: resolved', { error: 'StoreUnavailable', store: 'event_log', failures: 1500, seconds: 150 }],
    ]);
  });

  it('has no end in the log without a beginning', () => {
    failure.recovered();
    expect(lines).toEqual([]);
  });

  it('makes at most two lines a minute when it alternates with success', () => {
    for (; now < 600_000; now += 100) {
      failure.failed(away);
      failure.recovered();
    }
    expect(lines.length).toBeGreaterThan(15);
    expect(lines.length).toBeLessThanOrEqual(20);
  });

  it('is logged at once when its kind changes, and each kind counts separately', () => {
    for (; now < 30_000; now += 100) {
      failure.failed(away);
      failure.failed(new RangeError('secret@example.com'), { requestId: 'r' });
      failure.failed(new StoreUnavailable('read_model', { cause: new TypeError('x') }));
    }
    expect(lines).toEqual([
      ['warn', 'it fails', { error: 'StoreUnavailable', store: 'event_log' }],
      ['error', 'it fails', { error: 'RangeError', requestId: 'r' }],
      ['warn', 'it fails', { error: 'StoreUnavailable (TypeError)', store: 'read_model' }],
    ]);
    failure.recovered();
    expect(lines.slice(3).map(([, message, { failures }]) => [message, failures])).toEqual(
      Array(3).fill(['it fails: resolved', 300]),
    );
  });

  it('keeps a bounded number of kinds', () => {
    for (let n = 0; n < 1_000; n += 1) failure.failed(away, {}, `kind ${n}`);
    expect(lines).toHaveLength(21);
  });

  it('ends after a quiet time where many do the work', () => {
    const many = new RepeatedFailure({ log: logTo(lines), what: 'it fails', quietMs: 10_000, now: () => now });
    for (; now < 30_000; now += 9_000) {
      many.failed(away);
      many.sweep();
    }
    expect(lines).toHaveLength(1);
    now += 2_000;
    many.sweep();
    expect(lines.at(-1)).toEqual(['warn', 'it fails: resolved', expect.objectContaining({ failures: 4 })]);
  });

  it('notices the quiet time by itself', async () => {
    const quiet = new RepeatedFailure({ log: logTo(lines), what: 'it fails', quietMs: 5 });
    quiet.failed(away);
    while (lines.length < 2) await delay(2);
    expect(lines.map(([, message]) => message)).toEqual(['it fails', 'it fails: resolved']);
  });

  it('is a warning where recovery needs nobody, else an error', () => {
    class Refused extends StoreUnavailable {
      override readonly passes = false;
    }
    expect(passesByItself(away)).toBe(true);
    expect(passesByItself(new OutcomeUnknown())).toBe(true);
    expect(passesByItself(new Refused('event_log'))).toBe(false);
    expect(passesByItself(new Error('a fault'))).toBe(false);
    expect(passesByItself('thrown')).toBe(false);
  });
});
