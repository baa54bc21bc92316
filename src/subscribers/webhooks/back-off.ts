import type { Attempt, Lane, SetBack } from './lane.js';

const FIRST_MS = 1_000;
const MOST_MS = 6 * 60 * 60 * 1000;
/** After so long a lane is parked. */
export const GIVE_UP_MS = 72 * 60 * 60 * 1000;

/**
 * What becomes of a lane after a failed attempt: doubling pauses with jitter, from a second to six hours (some 25 attempts),
 * for 72 hours; then it is parked.
 * @param retryAfterMs what the endpoint asked for: not before that
 */
export function afterFailure(
  lane: Pick<Lane, 'attempts' | 'failingSince'>,
  last: Attempt,
  retryAfterMs = 0,
  random = Math.random(),
): SetBack {
  const attempts = lane.attempts + 1;
  const failingSince = lane.failingSince ?? last.at;
  const pause = Math.min(FIRST_MS * 2 ** (attempts - 1), MOST_MS) * (0.5 + random / 2);
  const state = last.at - failingSince >= GIVE_UP_MS ? 'parked' : 'retrying';
  const dueAt = Math.round(last.at + Math.max(pause, Math.min(retryAfterMs, MOST_MS * 4)));
  return { state, attempts, dueAt, failingSince, last };
}

/** RFC 9110, 10.2.3: seconds, or a date. @returns milliseconds from now, 0 for what is neither */
export function readRetryAfter(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  if (/^\d+$/.test(header)) return Math.min(Number(header) * 1000, Number.MAX_SAFE_INTEGER);
  const date = /^[A-Z][a-z]{2,8},? /.test(header) ? Date.parse(inGmt(header)) : NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/** The oldest of the three forms that are to be read names no zone (RFC 9110, 5.6.7). */
const inGmt = (date: string): string => (date.endsWith('GMT') ? date : `${date} GMT`);
