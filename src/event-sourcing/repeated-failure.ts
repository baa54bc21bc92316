import { namesOf } from './error-names.js';
import { OutcomeUnknown, StoreUnavailable } from './store-errors.js';

/** Names, counts and codes; never a personal value. */
export type FailureDetails = Readonly<Record<string, unknown>>;

export interface FailureLog {
  warn(message: string, details: FailureDetails): void;
  error(message: string, details: FailureDetails): void;
}

export interface RepeatedFailureParts {
  readonly log: FailureLog;
  /** What does not work: the message of each line. */
  readonly what: string;
  /**
   * For work done by many at once, where one success proves nothing about the others: a kind of failure ends once it has
   * not happened for this long, in milliseconds.
   */
  readonly quietMs?: number;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/** Between two lines about the same kind of failure, milliseconds. */
const INTERVAL_MS = 60_000;
/** Further kinds share one entry, so that memory and log stay bounded. */
const KINDS = 20;
const OTHERS = 'others';

/** The failures of one kind since its last recovery. */
interface Episode {
  since: number;
  lastAt: number;
  failures: number;
  /** When the last line about this kind was written; survives a recovery. */
  loggedAt: number;
  /** Whether this episode has been logged, so that its end must be too. */
  logged: boolean;
  error: unknown;
}

/**
 * Logs a failure that repeats: one line when it begins, one each minute while it lasts, with the number of failures, and
 * one when it ends. Each kind of error counts separately. A failure that alternates with success makes at most two lines a
 * minute.
 *
 * The level is `warn` where recovery needs nobody and `error` where it does: see {@link passesByItself}.
 */
export class RepeatedFailure {
  private readonly episodes = new Map<string, Episode>();
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: RepeatedFailureParts) {
    this.now = parts.now ?? (() => performance.now());
  }

  /** @param kind separates failures that the class of the error does not */
  failed(error: unknown, details: FailureDetails = {}, kind = ''): void {
    const now = this.now();
    const episode = this.episodeOf(`${JSON.stringify(describe(error))} ${kind}`);
    if (episode.failures === 0) episode.since = now;
    episode.failures += 1;
    episode.lastAt = now;
    episode.error = error;
    this.watchForQuiet();
    if (now - episode.loggedAt < INTERVAL_MS) return;
    episode.loggedAt = now;
    episode.logged = true;
    const { log, what } = this.parts;
    log[passesByItself(error) ? 'warn' : 'error'](what, { ...describe(error), ...details, ...extentOf(episode, now) });
  }

  /** The work succeeded: every episode ends. */
  recovered(): void {
    for (const episode of this.episodes.values()) this.end(episode);
  }

  /** Ends the episodes that have been quiet for long enough. Runs by itself. */
  sweep(): void {
    const { quietMs = Infinity } = this.parts;
    for (const episode of this.episodes.values()) if (this.now() - episode.lastAt >= quietMs) this.end(episode);
  }

  private episodeOf(kind: string): Episode {
    const key = this.episodes.has(kind) || this.episodes.size < KINDS ? kind : OTHERS;
    const existing = this.episodes.get(key);
    if (existing !== undefined) return existing;
    const fresh = { since: 0, lastAt: 0, failures: 0, loggedAt: -Infinity, logged: false, error: undefined };
    this.episodes.set(key, fresh);
    return fresh;
  }

  private end(episode: Episode): void {
    if (episode.logged) {
      const { log, what } = this.parts;
      log.warn(`${what}: resolved`, { ...describe(episode.error), ...extentOf(episode, this.now()) });
      episode.loggedAt = this.now();
    }
    episode.failures = 0;
    episode.logged = false;
  }

  private watchForQuiet(): void {
    const { quietMs } = this.parts;
    if (quietMs === undefined || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.sweep();
      if ([...this.episodes.values()].some(({ failures }) => failures > 0)) this.watchForQuiet();
    }, quietMs).unref();
  }
}

/** Whether recovery needs nobody: a store or the network is away and comes back. */
export function passesByItself(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return error.passes;
  return error instanceof OutcomeUnknown || (error instanceof Error && 'passes' in error && error.passes === true);
}

const describe = (error: unknown): FailureDetails => ({
  error: namesOf(error),
  ...(error instanceof StoreUnavailable && { store: error.store }),
});

const extentOf = ({ failures, since }: Episode, now: number): FailureDetails =>
  failures <= 1 ? {} : { failures, seconds: Math.round((now - since) / 1000) };
