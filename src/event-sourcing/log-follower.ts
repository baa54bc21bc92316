import { setTimeout as delay } from 'node:timers/promises';
import { type Batch, batches } from './batches.js';
import { type Checkpoint, type Checkpoints, type Lease, namedInCheckpoint } from './checkpoints.js';
import type { Clock } from './clock.js';
import { readMetadata } from './envelope.js';
import type { EventStore, Position, RecordedEvent } from './event-store.js';

/** An event of a type this release does not know: a newer release writes to the same log. */
export class UnknownEventType extends Error {
  override readonly name = 'UnknownEventType';
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
  readonly state: 'waiting' | 'following' | 'retrying' | 'degraded' | 'stopped';
  /** Milliseconds between the writing of the newest handled event and its handling; 0 when caught up. */
  readonly lagMs: number;
}

export interface FollowerLog {
  warn(message: string, details: Record<string, string | number>): void;
}

const BATCH = 500;
const LEASE_MS = 10_000;
/** While live: gathers what many writers append, so that following costs a batch and not each event its own. */
const GATHER_MS = 10;
/** A crash has at most so much handed in again; what is handled is handled, whether it is written down or not. */
const CHECKPOINT_EVERY_MS = 500;
const BACKOFF_MS = { first: 100, most: 5_000 };

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
  private position: Position | undefined;
  private last: Checkpoint['last'];
  /** Handled, but not written down yet. */
  private unsaved: Checkpoint | undefined;
  private waiters: { readonly position: Position; readonly resolve: () => void }[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly checkpoints: Checkpoints,
    private readonly handler: LogHandler,
    private readonly owner: string,
    private readonly clock: Clock,
    private readonly log: FollowerLog,
  ) {}

  get status(): FollowerStatus {
    return { state: this.state, lagMs: this.lagMs };
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.state = 'stopped';
  }

  /** Whether everything up to `position` has been handled by this follower. */
  hasReached(position: Position): boolean {
    return this.position !== undefined && this.store.comparePositions(this.position, position) >= 0;
  }

  /** Resolves once everything up to `position` has been handled by this follower. */
  reached(position: Position): Promise<void> {
    if (this.hasReached(position)) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ position, resolve }));
  }

  /** @throws LogMismatch the checkpoint was made from another log, or from a later state of this one */
  async verifyCheckpoint(): Promise<void> {
    const checkpoint = await this.checkpoints.load(await this.handler.checkpointName());
    if (checkpoint !== undefined) await verifyCheckpoint(this.store, checkpoint, this.handler.name);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted && this.state !== 'degraded') {
      try {
        const lease = await this.checkpoints.acquire(this.handler.name, this.owner, LEASE_MS);
        if (lease === undefined) this.state = 'waiting';
        else await this.followUnder(lease, () => (failures = 0));
        if (!signal.aborted) await delay(LEASE_MS / 5, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        this.state = error instanceof UnknownEventType ? 'degraded' : 'retrying';
        failures += 1;
        this.log.warn(`${this.handler.name} could not follow the log`, { error: nameOf(error), failures });
        const pause = Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.most);
        await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async followUnder(lease: Lease, onProgress: () => void): Promise<void> {
    const lost = new AbortController();
    const keep = (work: Promise<boolean>): void => {
      work.then(
        (kept) => kept || lost.abort(),
        () => lost.abort(),
      );
    };
    const renewal = setInterval(() => keep(this.checkpoints.renew(lease, LEASE_MS)), LEASE_MS / 3);
    const saving = setInterval(() => keep(this.saveCheckpoint(lease)), CHECKPOINT_EVERY_MS);
    const signal = AbortSignal.any([this.stopping.signal, lost.signal]);
    try {
      await this.followFromCheckpoint(signal, onProgress);
      await this.saveCheckpoint(lease);
    } finally {
      clearInterval(renewal);
      clearInterval(saving);
      this.unsaved = undefined;
      await this.checkpoints.release(lease).catch(() => undefined);
    }
  }

  private async followFromCheckpoint(signal: AbortSignal, onProgress: () => void): Promise<void> {
    const { prefixes } = this.handler;
    const checkpoint = await this.checkpoints.load(await this.handler.checkpointName());
    if (checkpoint !== undefined) this.advance(checkpoint.position, checkpoint.last);
    const logId = await this.store.logId();
    const failed = new AbortController();
    const until = AbortSignal.any([signal, failed.signal]);
    const subscription = this.store.subscribe({ after: checkpoint?.position, prefixes, signal: until });
    this.state = 'following';
    for await (const batch of batches(subscription, BATCH)) {
      await this.handleBatch(batch, logId).catch((error: unknown) => {
        // A subscription that waits for the next event ends by its signal alone.
        failed.abort();
        throw error;
      });
      onProgress();
      if (batch.caughtUp) await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async handleBatch(batch: Batch, logId: string): Promise<void> {
    if (batch.events.length > 0) await this.handler.handle(batch.events, this.stopping.signal);
    const newest = batch.events.at(-1);
    this.lagMs = batch.caughtUp || newest === undefined ? 0 : Math.max(0, this.clock.now() - newest.recordedAt);
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
    return this.checkpoints.save(await this.handler.checkpointName(), checkpoint, lease);
  }

  private advance(position: Position, last: Checkpoint['last']): void {
    // Handed in again after a crash or a lost lease: what was reached stays reached.
    if (this.position !== undefined && this.store.comparePositions(position, this.position) < 0) return;
    this.position = position;
    this.last = last;
    const reached = (waiter: { position: Position }): boolean => this.hasReached(waiter.position);
    const due = this.waiters.filter(reached);
    if (due.length === 0) return;
    this.waiters = this.waiters.filter((waiter) => !reached(waiter));
    for (const waiter of due) waiter.resolve();
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

/** @throws LogMismatch */
export async function verifyCheckpoint(store: EventStore, checkpoint: Checkpoint, name: string): Promise<void> {
  const refuse = (what: string): never => {
    throw new LogMismatch(
      `The event log is not the one "${name}" has followed (${what}). Was it wiped or restored? ` +
        'Restore the matching log, or rebuild the views from this one: npm run admin -- rebuild',
    );
  };
  if (checkpoint.logId !== (await store.logId())) refuse('it has another id');
  const head = await store.head();
  if (head === undefined || store.comparePositions(head, checkpoint.position) < 0)
    refuse('it ends before the checkpoint');
  const { last } = checkpoint;
  if (last === undefined) return;
  const [found] = await store.read(last.stream, { from: last.revision, limit: 1 });
  if (found?.id !== last.eventId || readMetadata(found).hash !== last.hash)
    refuse('another event stands at the checkpoint');
}
