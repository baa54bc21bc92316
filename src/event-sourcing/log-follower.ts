import { setTimeout as delay } from 'node:timers/promises';
import { type Batch, batches } from './batches.js';
import { verifyCheckpoint } from './checkpoint-verification.js';
import { type Checkpoint, type Checkpoints, namedInCheckpoint } from './checkpoints.js';
import type { Clock } from './clock.js';
import type { EventStore, Position, RecordedEvent } from './event-store.js';
import { FollowerCheckpoint } from './follower-checkpoint.js';
import { FollowerProgress } from './follower-progress.js';
import { gathered } from './gathering.js';
import { HeldLease } from './held-lease.js';
import { type FailureLog, RepeatedFailure } from './repeated-failure.js';
import { AnotherLog } from './store-errors.js';

/** An event of a type this release does not know: a newer release writes to the same log. */
export class UnknownEventType extends Error {
  override readonly name = 'UnknownEventType';
  constructor(message = 'The log holds an event of a type this release does not know') {
    super(message);
  }
}

/** What follows the log: handles every event at least once, in order. Throwing has the batch handed in again. */
export interface LogHandler {
  readonly name: string;
  readonly prefixes: readonly string[];
  /** Under which name the checkpoint is kept just now. */
  checkpointName(): Promise<string>;
  handle(events: readonly RecordedEvent[], signal: AbortSignal): Promise<void>;
}

export interface FollowerStatus {
  /**
   * `waiting`: another instance follows, and this one watches how far that has come. `suspended`: the event log is another
   * one, and nothing is handled until the right one is back.
   */
  readonly state: 'waiting' | 'following' | 'retrying' | 'suspended' | 'degraded' | 'stopped';
  /** How long the newest event waits already, or the newest handled one waited while more were there; 0 when caught up. */
  readonly lagMs: number;
  /** About how many events are in the log and not handled yet. */
  readonly lagEvents: number;
  /** How often following began anew after a failure. */
  readonly restarts: number;
  readonly holdsLease: boolean;
}

export interface FollowerParts {
  readonly store: EventStore;
  readonly checkpoints: Checkpoints;
  readonly handler: LogHandler;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: FailureLog;
  /** Leaves the following to other instances, for good, and only watches how far they are. */
  readonly watchOnly?: boolean;
}

const BATCH = 500;
/** So long nobody follows when the holder is killed, or loses its way to the store that the lease is in. */
const LEASE_MS = 5_000;
/** How soon a follower sees that the right log is back. */
const SUSPENDED_MS = 1_000;
/** While another follows: how often its checkpoint is looked at, and after how many looks the lease is asked for again. */
const WATCH = { everyMs: 500, looks: 2 };
const BACKOFF_MS = { first: 100, most: 2_000 };

/**
 * Runs a handler along the log: one at a time over all instances (lease), in batches, the handler's work first, then the
 * checkpoint. Resubscribes with back-off after any failure and never skips. An event of an unknown type makes it give the
 * lease up and report itself degraded.
 */
export class LogFollower {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private state: FollowerStatus['state'] = 'waiting';
  private lagMs = 0;
  private restarts = 0;
  private holdsLease = false;
  private readonly progress: FollowerProgress;
  private readonly checkpoint: FollowerCheckpoint;
  private held: HeldLease | undefined;
  private setBackTimes = 0;
  private readonly failing: RepeatedFailure;
  private readonly unreachable: RepeatedFailure;
  private readonly restored: RepeatedFailure;

  constructor(private readonly parts: FollowerParts) {
    const { checkpoints, handler, store, log } = parts;
    this.progress = new FollowerProgress(store, parts.clock);
    const nameNow = (): Promise<string> => handler.checkpointName();
    const setBack = (stored: Checkpoint | undefined): void => this.setBack(stored);
    this.checkpoint = new FollowerCheckpoint({ store, checkpoints, nameNow, setBack });
    this.failing = new RepeatedFailure({ log, what: `${handler.name} could not follow the log` });
    this.unreachable = new RepeatedFailure({ log, what: `${handler.name} could not reach its checkpoint` });
    const what = `${handler.name} goes on from an earlier checkpoint: its database was restored`;
    this.restored = new RepeatedFailure({ log, what });
  }

  get status(): FollowerStatus {
    const { state, restarts, holdsLease } = this;
    const { ms, events } = this.progress.lag;
    return { state, lagMs: Math.max(this.lagMs, ms), lagEvents: events, restarts, holdsLease };
  }

  observe(head: Position): void {
    this.progress.observe(head);
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.state = 'stopped';
  }

  /** Whether everything up to `position` has been handled, by this follower or by the one it watches. */
  hasReached(position: Position): boolean {
    return this.progress.hasReached(position);
  }

  /**
   * Resolves once everything up to `position` has been handled, by this follower or by the one it watches; or this one is
   * degraded, and may never come to know it.
   */
  reached(position: Position): Promise<void> {
    return this.state === 'degraded' ? Promise.resolve() : this.progress.reached(position);
  }

  /** How often the database of the checkpoint was found restored to an earlier state. */
  get setbacks(): number {
    return this.setBackTimes;
  }

  /** Whether the database was restored, and not all that had been handled before is handled again. */
  get isSetBack(): boolean {
    return this.progress.isSetBack;
  }

  /** Looks whether the database of the checkpoint was restored: see {@link setbacks}. @throws StoreUnavailable */
  async recheck(): Promise<void> {
    await this.checkpoint.load();
  }

  /** @throws LogMismatch the checkpoint was made from another log, or from a later state of this one */
  async verifyCheckpoint(): Promise<void> {
    const { store, handler } = this.parts;
    const checkpoint = await this.checkpoint.load();
    if (checkpoint !== undefined) await verifyCheckpoint(store, checkpoint, handler.name);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    const onProgress = (): void => {
      failures = 0;
      this.failing.recovered();
    };
    while (!signal.aborted) {
      try {
        const held = await this.takeLease();
        if (held === undefined) await this.watch();
        else await this.followUnder(held, onProgress);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AnotherLog) await this.suspend();
        else await this.retryAfter(error, (failures += 1));
      }
    }
  }

  private async retryAfter(error: unknown, failures: number): Promise<void> {
    if (this.state !== 'degraded') this.state = error instanceof UnknownEventType ? 'degraded' : 'retrying';
    if (this.state === 'degraded') this.progress.release();
    this.restarts += 1;
    const pause = Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.most);
    await this.pause(pause * (0.5 + Math.random() / 2));
  }

  /** Another log is no failure that trying again can mend; whoever watches the log says it once for all followers. */
  private async suspend(): Promise<void> {
    const { store } = this.parts;
    if (this.state !== 'degraded') this.state = 'suspended';
    do {
      await this.pause(SUSPENDED_MS);
      await store.health().catch(() => undefined);
    } while (store.anotherLog !== undefined && !this.stopping.signal.aborted);
  }

  private pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private async takeLease(): Promise<HeldLease | undefined> {
    const { checkpoints, handler, owner, watchOnly } = this.parts;
    if (watchOnly === true || this.state === 'degraded') return undefined;
    return this.reaching(HeldLease.take(checkpoints, handler.name, owner, LEASE_MS));
  }

  /** Another follows: its checkpoint tells how far the work has come. */
  private async watch(): Promise<void> {
    if (this.state !== 'degraded') this.state = 'waiting';
    for (let look = 0; look < WATCH.looks; look += 1) {
      const checkpoint = await this.reaching(this.checkpoint.load());
      this.lagMs = 0;
      if (checkpoint !== undefined && this.advance(checkpoint.position, checkpoint.last)) this.failing.recovered();
      await delay(WATCH.everyMs, undefined, { signal: this.stopping.signal });
    }
  }

  private async followUnder(held: HeldLease, onProgress: () => void): Promise<void> {
    const stopSaving = this.checkpoint.saveUnder(held);
    const signal = AbortSignal.any([this.stopping.signal, held.lost]);
    this.held = held;
    this.holdsLease = true;
    try {
      const checkpoint = await this.reaching(this.checkpoint.load());
      await this.followFrom(checkpoint, signal, onProgress).catch((error: unknown) => {
        if (!(error instanceof AnotherLog)) this.failing.failed(error);
        throw error;
      });
      await this.checkpoint.save(held);
    } finally {
      stopSaving();
      this.held = undefined;
      this.holdsLease = false;
      await held.release();
    }
  }

  private async followFrom(
    checkpoint: Checkpoint | undefined,
    signal: AbortSignal,
    onProgress: () => void,
  ): Promise<void> {
    const { store } = this.parts;
    if (checkpoint !== undefined) this.advance(checkpoint.position, checkpoint.last);
    const logId = await store.logId();
    const failed = new AbortController();
    const until = AbortSignal.any([signal, failed.signal]);
    // To every stream of the service, wanted or not: only so is the head of the log sure to be passed.
    const subscription = store.subscribe({ after: checkpoint?.position, signal: until });
    this.state = 'following';
    for await (const batch of batches(subscription, BATCH)) {
      await this.handleBatch(batch, logId, until).catch((error: unknown) => {
        // A subscription that waits for the next event ends by its signal alone.
        failed.abort();
        throw error;
      });
      onProgress();
      if (batch.caughtUp) await gathered();
    }
  }

  private async handleBatch(batch: Batch, logId: string, until: AbortSignal): Promise<void> {
    const { handler, clock } = this.parts;
    const wanted = batch.events.filter(({ stream }) => handler.prefixes.some((prefix) => stream.startsWith(prefix)));
    if (wanted.length > 0) await handler.handle(wanted, this.stopping.signal);
    // The lease is lost: what is reached now is for its next holder to say.
    if (until.aborted && !this.stopping.signal.aborted) return;
    const newest = batch.events.at(-1);
    this.lagMs = batch.caughtUp || newest === undefined ? 0 : Math.max(0, clock.now() - newest.recordedAt);
    if (batch.position === undefined || batch.position === this.progress.position) return;
    const last = newest === undefined ? this.progress.last : namedInCheckpoint(newest);
    this.checkpoint.note({ logId, position: batch.position, ...(last && { last }) });
    this.advance(batch.position, last);
  }

  private async reaching<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      this.unreachable.recovered();
      return result;
    } catch (error) {
      this.unreachable.failed(error);
      throw error;
    }
  }

  /** What the database holds is from before, and so is what this follower has done there. */
  private setBack(checkpoint: Checkpoint | undefined): void {
    this.setBackTimes += 1;
    this.progress.setBack(checkpoint);
    this.held?.lose();
    this.restored.failed(new DatabaseRestored());
  }

  private advance(position: Position, last: Checkpoint['last']): boolean {
    const isFurther = this.progress.advance(position, last);
    if (isFurther && !this.isSetBack) this.restored.recovered();
    return isFurther;
  }
}

class DatabaseRestored extends Error {
  override readonly name = 'DatabaseRestored';
}
