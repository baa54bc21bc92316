import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../event-sourcing/clock.js';
import type {
  Position,
  RecordedEvent,
  SubscribeOptions,
  SubscriptionMessage,
} from '../../event-sourcing/event-store.js';
import { AnotherLog, StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { comparePositions } from './log-positions.js';

const BACKOFF_MS = { first: 100, most: 5_000 };

export interface FollowedLog {
  readonly clock: Clock;
  /** How long the log may be away before a subscription gives up, milliseconds. */
  readonly outageMs: number;
  readonly isClosed: boolean;
  /** @throws AnotherLog */
  verify(): Promise<void>;
  end(): Promise<Position | undefined>;
  connect(after: Position | undefined, signal: AbortSignal): AsyncIterable<SubscriptionMessage>;
  /** A subscription that ran was dropped. */
  dropped(): void;
  /** The one event came right after the other. */
  spaced(event: Position, next: Position): void;
  saw(event: RecordedEvent): void;
  reaches(position: Position): void;
}

/**
 * A subscription that resumes by itself after the last message handed out. Besides the signal, `return()` ends it, also
 * while a `next()` waits: a generator alone would first wait for that.
 */
export function followLog(
  log: FollowedLog,
  { after, signal }: Pick<SubscribeOptions, 'after' | 'signal'>,
): AsyncIterable<SubscriptionMessage> {
  return {
    [Symbol.asyncIterator]: () => {
      const end = new AbortController();
      const messages = new LogSubscription(log, after, end.signal).run(signal, end);
      return {
        next: () => messages.next(),
        return: () => {
          end.abort();
          return messages.return(undefined);
        },
      };
    },
  };
}

class LogSubscription {
  private failures = 0;
  private lastEvent: Position | undefined;
  private awaySince: number | undefined;
  /** The end of the log as it was seen last. */
  private seenEnd: Position | undefined;

  constructor(
    private readonly log: FollowedLog,
    private passed: Position | undefined,
    private readonly end: AbortSignal,
  ) {}

  async *run(signal: AbortSignal, end: AbortController): AsyncGenerator<SubscriptionMessage, undefined> {
    const abort = (): void => end.abort();
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      while (!end.signal.aborted) {
        let failure: unknown;
        try {
          yield* this.connection();
        } catch (error) {
          failure = error;
        }
        if (!end.signal.aborted) await this.pause(failure);
      }
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  private async *connection(): AsyncGenerator<SubscriptionMessage, undefined> {
    await this.log.verify();
    await this.refuseBeyondTheEnd();
    const begun = this.log.clock.now();
    let running = false;
    try {
      for await (const message of this.log.connect(this.passed, this.end)) {
        running = true;
        this.awaySince = undefined;
        if (this.end.aborted) return;
        if (message.kind === 'event') this.pass(message.event);
        if (message.kind !== 'checkpoint') yield message;
        else yield { ...message, position: await this.passMark(message.position) };
        if (this.end.aborted) return;
      }
    } finally {
      if (running && !this.end.aborted) this.log.dropped();
      if (this.log.clock.now() - begun > BACKOFF_MS.most) this.failures = 0;
    }
  }

  private pass(event: RecordedEvent): void {
    const { position } = event;
    if (this.lastEvent !== undefined) this.log.spaced(this.lastEvent, position);
    this.lastEvent = this.passed = position;
    this.log.saw(event);
  }

  private async passMark(mark: Position): Promise<Position> {
    const position = await this.withinTheLog(mark);
    this.passed = position;
    this.log.reaches(position);
    return position;
  }

  /** @throws StoreUnavailable the log was away for too long, or the store was closed */
  private async pause(failure: unknown): Promise<void> {
    const { clock, outageMs, isClosed } = this.log;
    if (failure instanceof RangeError || failure instanceof AnotherLog) throw failure;
    this.awaySince ??= clock.now();
    if (isClosed || clock.now() - this.awaySince >= outageMs)
      throw new StoreUnavailable('event_log', { cause: failure });
    const pause = Math.min(BACKOFF_MS.first * 2 ** this.failures, BACKOFF_MS.most);
    this.failures += 1;
    await delay(pause * (0.5 + Math.random() / 2), undefined, { signal: this.end }).catch(() => undefined);
  }

  /** A position this log has not reached is another log's: following it would wait in silence for ever. */
  private async refuseBeyondTheEnd(): Promise<void> {
    if (this.passed === undefined) return;
    this.seenEnd = await this.log.end();
    if (this.seenEnd === undefined || comparePositions(this.passed, this.seenEnd) > 0) {
      throw new RangeError('The position lies beyond the end of this log');
    }
  }

  /**
   * A mark may lie where the next event will stand. Kept as it is, it would look like one of another log after a restart;
   * all that is in the log by now lies before it.
   */
  private async withinTheLog(mark: Position): Promise<Position> {
    const beyond = (): boolean => this.seenEnd === undefined || comparePositions(mark, this.seenEnd) > 0;
    if (beyond()) this.seenEnd = await this.log.end();
    return this.seenEnd !== undefined && beyond() ? this.seenEnd : mark;
  }
}
