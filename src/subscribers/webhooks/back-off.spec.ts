import { afterFailure, GIVE_UP_MS, readRetryAfter } from './back-off.js';
import type { Attempt, Lane } from './lane.js';

const NOW = Date.UTC(2026, 0, 1);
const failedAt = (at: number): Attempt => ({ at, outcome: 'refused', status: 500 });
const HOUR = 3_600_000;

describe('the pauses between attempts', () => {
  it('double from a second to six hours, with a jitter of half', () => {
    for (const [attempts, most] of [
      [0, 1_000],
      [1, 2_000],
      [5, 32_000],
      [14, 16_384_000],
      [15, 6 * HOUR],
      [60, 6 * HOUR],
    ] as const) {
      for (const [random, part] of [
        [0, 0.5],
        [1, 1],
        [0.5, 0.75],
      ] as const) {
        const { dueAt } = afterFailure({ attempts, failingSince: NOW }, failedAt(NOW), 0, random);
        expect([attempts, dueAt - NOW]).toEqual([attempts, Math.round(most * part)]);
      }
    }
  });

  it('end after 72 hours: then the lane is parked', () => {
    let lane: Pick<Lane, 'attempts' | 'failingSince'> = { attempts: 0 };
    let [at, state] = [NOW, 'retrying'];
    while (state === 'retrying') {
      const next = afterFailure(lane, failedAt(at));
      expect(next.failingSince).toBe(NOW);
      lane = next;
      state = next.state;
      if (state === 'retrying') at = next.dueAt;
    }
    expect(at - NOW).toBeGreaterThanOrEqual(GIVE_UP_MS);
    expect(at - NOW).toBeLessThan(GIVE_UP_MS + 6 * HOUR);
    expect(lane.attempts).toBeGreaterThan(20);
    expect(lane.attempts).toBeLessThan(45);
  });

  it('are not shorter than what was asked for, a day at most', () => {
    const pause = (retryAfterMs: number): number =>
      afterFailure({ attempts: 0 }, failedAt(NOW), retryAfterMs, 1).dueAt - NOW;
    expect([pause(0), pause(500), pause(90_000), pause(1e12)]).toEqual([1_000, 1_000, 90_000, 24 * HOUR]);
  });

  it.each([
    [undefined, 0],
    ['120', 120_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['Thursday, 01-Jan-26 00:01:00 GMT', 60_000],
    ['Thu Jan  1 00:01:00 2026', 60_000],
    ['99999999999', 99_999_999_999_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['-5', 0],
    ['1.5', 0],
    ['soon', 0],
    ['2026', 2_026_000],
  ])('read Retry-After: %s', (header, ms) => {
    expect(readRetryAfter(header, NOW)).toBe(ms);
  });
});
