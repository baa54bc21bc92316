import { setTimeout as delay } from 'node:timers/promises';
import { type Batch, batches } from './batches.js';
import { type Checkpoint, type Checkpoints, type Lease, namedInCheckpoint } from './checkpoints.js';
import type { Clock } from './clock.js';
import { readMetadata } from './envelope.js';
import type { EventStore, Position, RecordedEvent } from './event-store.js';
import { gathered } from './gathering.js';
import { HeldLease } from './held-lease.js';
import { namesOf } from './error-names.js';

/** An event of a type this release does not know: a newer release writes to the same log. */
export class UnknownEventType extends Error {
  override readonly name = 'UnknownEventType';
  constructor(message = 'The log holds an event of a type this release does not know') {
    super(message);
  }
}

/** The log is not the one the checkpoint was made from: wiped, restored or exchanged. */
export class LogMismatch extends Error {
  override readonly name = 'LogMismatch';
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
  /** `waiting`: another instance follows, and this one watches how far that has come. */
  readonly state: 'waiting' | 'following' | 'retrying' | 'degraded' | 'stopped';
  /** How long the newest event waits already, or the newest handled one waited while more were there; 0 when caught up. */
  readonly lagMs: number;
  /** About how many events are in the log and not handled yet. */
  readonly lagEvents: number;
  /** How often following began anew after a failure. */
  readonly restarts: number;
  readonly holdsLease: boolean;
}

export interface FollowerLog {
  warn(message: string, details: Record<string, string | number>): void;
}

export interface FollowerParts {
  readonly store: EventStore;
  readonly checkpoints: Checkpoints;
  readonly handler: LogHandler;
  readonly owner: string;
  readonly clock: Clock;
  readonly log: FollowerLog;
  /** Leaves the following to other instances, for good, and only watches how far they are. */
  readonly watchOnly?: boolean;
}

const BATCH = 500;
/** So long nobody follows when the holder is killed, or loses its way to the store that the lease is in. */
const LEASE_MS = 5_000;
/** A crash has at most so much handed in again; what is handled is handled, whether it is written down or not. */
const CHECKPOINT_EVERY_MS = 500;
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
  private position: Position | undefined;
  private last: Checkpoint['last'];
  /** Handled, but not written down yet. */
  private unsaved: Checkpoint | undefined;
  private waiters: { readonly position: Position; readonly resolve: () => void }[] = [];
  /** A head of the log that was seen and is not reached yet. */
  private awaited: { readonly head: Position; readonly since: number } | undefined;

  constructor(private readonly parts: FollowerParts) {}

  get status(): FollowerStatus {
    const { state, restarts, holdsLease, awaited } = this;
    const behind = awaited !== undefined && !this.hasReached(awaited.head);
    const waited = behind ? this.parts.clock.now() - awaited.since : 0;
    const lagEvents = behind ? this.parts.store.eventsBetween(this.position, awaited.head) : 0;
    return { state, lagMs: Math.max(this.lagMs, waited), lagEvents, restarts, holdsLease };
  }

  /** Tells where the log ends, for measuring how far behind this is, also when nothing comes through any more. */
  observe(head: Position): void {
    if (this.awaited !== undefined && !this.hasReached(this.awaited.head)) {
      this.awaited = { head, since: this.awaited.since };
    } else {
      this.awaited = this.hasReached(head) ? undefined : { head, since: this.parts.clock.now() };
    }
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
    return this.position !== undefined && this.parts.store.comparePositions(this.position, position) >= 0;
  }

  /**
   * Resolves once everything up to `position` has been handled, by this follower or by the one it watches; or this one is
   * degraded, and may never come to know it.
   */
  reached(position: Position): Promise<void> {
    if (this.hasReached(position) || this.state === 'degraded') return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ position, resolve }));
  }

  /** @throws LogMismatch the checkpoint was made from another log, or from a later state of this one */
  async verifyCheckpoint(): Promise<void> {
    const { store, handler } = this.parts;
    const checkpoint = await this.loadCheckpoint();
    if (checkpoint !== undefined) await verifyCheckpoint(store, checkpoint, handler.name);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const held = await this.takeLease();
        if (held === undefined) await this.watch();
        else await this.followUnder(held, () => (failures = 0));
      } catch (error) {
        if (signal.aborted) return;
        if (this.state !== 'degraded') this.state = error instanceof UnknownEventType ? 'degraded' : 'retrying';
        if (this.state === 'degraded') for (const { resolve } of this.waiters.splice(0)) resolve();
        this.restarts += 1;
        failures += 1;
        this.parts.log.warn(`${this.parts.handler.name} could not follow the log`, { error: namesOf(error), failures });
        const pause = Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.most);
        await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async takeLease(): Promise<HeldLease | undefined> {
    const { checkpoints, handler, owner, watchOnly } = this.parts;
    if (watchOnly === true || this.state === 'degraded') return undefined;
    return HeldLease.take(checkpoints, handler.name, owner, LEASE_MS);
  }

  /** Another follows: its checkpoint tells how far the work has come. */
  private async watch(): Promise<void> {
    if (this.state !== 'degraded') this.state = 'waiting';
    for (let look = 0; look < WATCH.looks; look += 1) {
      const checkpoint = await this.loadCheckpoint();
      this.lagMs = 0;
      if (checkpoint !== undefined) this.advance(checkpoint.position, checkpoint.last);
      await delay(WATCH.everyMs, undefined, { signal: this.stopping.signal });
    }
  }

  private async followUnder(held: HeldLease, onProgress: () => void): Promise<void> {
    const save = (): void => {
      this.saveCheckpoint(held.lease).then(
        (kept) => {
          if (!kept) held.lose();
        },
        () => {
          held.lose();
        },
      );
    };
    const saving = setInterval(save, CHECKPOINT_EVERY_MS);
    const signal = AbortSignal.any([this.stopping.signal, held.lost]);
    this.holdsLease = true;
    try {
      await this.followFromCheckpoint(signal, onProgress);
      await this.saveCheckpoint(held.lease);
    } finally {
      clearInterval(saving);
      this.unsaved = undefined;
      this.holdsLease = false;
      await held.release();
    }
  }

  private async followFromCheckpoint(signal: AbortSignal, onProgress: () => void): Promise<void> {
    const { store } = this.parts;
    const checkpoint = await this.loadCheckpoint();
    if (checkpoint !== undefined) this.advance(checkpoint.position, checkpoint.last);
    const logId = await store.logId();
    const failed = new AbortController();
    const until = AbortSignal.any([signal, failed.signal]);
    // To every stream of the service, wanted or not: only so is the head of the log sure to be passed.
    const subscription = store.subscribe({ after: checkpoint?.position, signal: until });
    this.state = 'following';
    for await (const batch of batches(subscription, BATCH)) {
      await this.handleBatch(batch, logId).catch((error: unknown) => {
        // A subscription that waits for the next event ends by its signal alone.
        failed.abort();
        throw error;
      });
      onProgress();
      if (batch.caughtUp) await gathered();
    }
  }

  private async handleBatch(batch: Batch, logId: string): Promise<void> {
    const { handler, clock } = this.parts;
    const wanted = batch.events.filter(({ stream }) => handler.prefixes.some((prefix) => stream.startsWith(prefix)));
    if (wanted.length > 0) await handler.handle(wanted, this.stopping.signal);
    const newest = batch.events.at(-1);
    this.lagMs = batch.caughtUp || newest === undefined ? 0 : Math.max(0, clock.now() - newest.recordedAt);
    if (batch.position === undefined || batch.position === this.position) return;
    const last = newest === undefined ? this.last : namedInCheckpoint(newest);
    this.unsaved = { logId, position: batch.position, ...(last && { last }) };
    this.advance(batch.position, last);
  }

  /** @returns false when the lease was lost: another one follows now */
  private async saveCheckpoint(lease: Lease): Promise<boolean> {
    const checkpoint = this.unsaved;
    if (checkpoint === undefined) return true;
    this.unsaved = undefined;
    const { checkpoints, handler } = this.parts;
    return checkpoints.save(await handler.checkpointName(), checkpoint, lease);
  }

  private async loadCheckpoint(): Promise<Checkpoint | undefined> {
    return this.parts.checkpoints.load(await this.parts.handler.checkpointName());
  }

  private advance(position: Position, last: Checkpoint['last']): void {
    // Handed in again after a crash or a lost lease: what was reached stays reached.
    if (this.position !== undefined && this.parts.store.comparePositions(position, this.position) < 0) return;
    this.position = position;
    this.last = last;
    const reached = (waiter: { position: Position }): boolean => this.hasReached(waiter.position);
    const due = this.waiters.filter(reached);
    if (due.length === 0) return;
    this.waiters = this.waiters.filter((waiter) => !reached(waiter));
    for (const waiter of due) waiter.resolve();
  }
}

/** @throws LogMismatch */
export async function verifyCheckpoint(store: EventStore, checkpoint: Checkpoint, name: string): Promise<void> {
  const refuse = (what: string): never => {
    throw new LogMismatch(
      `The event log is not the one "${name}" has followed (${what}). Was it wiped or restored? ` +
        'Restore the matching log, or rebuild the views from this one: npm run admin -- rebuild',
    );
  };
  if (checkpoint.logId !== (await store.logId())) refuse('it has another id');
  const end = await store.end();
  if (end === undefined || store.comparePositions(end, checkpoint.position) < 0)
    refuse('it ends before the checkpoint');
  const { last } = checkpoint;
  if (last === undefined) return;
  const [found] = await store.read(last.stream, { from: last.revision, limit: 1 });
  if (found?.id !== last.eventId || readMetadata(found).hash !== last.hash)
    refuse('another event stands at the checkpoint');
}
