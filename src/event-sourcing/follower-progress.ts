import type { Checkpoint } from './checkpoints.js';
import type { Clock } from './clock.js';
import type { EventStore, Position } from './event-store.js';

/** How far a follower of the log has come, how far behind that is, and who waits for it. */
export class FollowerProgress {
  position: Position | undefined;
  last: Checkpoint['last'];
  private waiters: { readonly position: Position; readonly resolve: () => void }[] = [];
  /** A head of the log that was seen and is not reached yet. */
  private awaited: { readonly head: Position; readonly since: number } | undefined;
  /** What had been reached when the database of the checkpoint was restored to an earlier state. */
  private owed: Position | undefined;

  constructor(
    private readonly store: Pick<EventStore, 'comparePositions' | 'eventsBetween'>,
    private readonly clock: Clock,
  ) {}

  hasReached(position: Position): boolean {
    return this.position !== undefined && this.store.comparePositions(this.position, position) >= 0;
  }

  reached(position: Position): Promise<void> {
    if (this.hasReached(position)) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ position, resolve }));
  }

  /** Lets everybody go: it may never come that far. */
  release(): void {
    for (const { resolve } of this.waiters.splice(0)) resolve();
  }

  /**
   * What was reached stays reached, though it is handed in again after a crash or a lost lease.
   * @returns whether that is further than before
   */
  advance(position: Position, last: Checkpoint['last']): boolean {
    const distance = this.position === undefined ? 1 : this.store.comparePositions(position, this.position);
    if (distance < 0) return false;
    this.position = position;
    this.last = last;
    const due = this.waiters.filter((waiter) => this.hasReached(waiter.position));
    if (due.length > 0) this.waiters = this.waiters.filter((waiter) => !this.hasReached(waiter.position));
    for (const waiter of due) waiter.resolve();
    return distance > 0;
  }

  /** The database that the work goes into was restored, and with it all that was reached since. */
  setBack(checkpoint: Checkpoint | undefined): void {
    if (!this.isSetBack) this.owed = this.position;
    this.position = checkpoint?.position;
    this.last = checkpoint?.last;
  }

  /** Whether not all is handled again that had been handled before the database was restored. */
  get isSetBack(): boolean {
    return this.owed !== undefined && !this.hasReached(this.owed);
  }

  /** Tells where the log ends, for measuring how far behind this is, also when nothing comes through any more. */
  observe(head: Position): void {
    if (this.awaited !== undefined && !this.hasReached(this.awaited.head)) {
      this.awaited = { head, since: this.awaited.since };
    } else {
      this.awaited = this.hasReached(head) ? undefined : { head, since: this.clock.now() };
    }
  }

  /** By the head that was observed last. */
  get lag(): { readonly ms: number; readonly events: number } {
    const { awaited } = this;
    if (awaited === undefined || this.hasReached(awaited.head)) return { ms: 0, events: 0 };
    const events = this.store.eventsBetween(this.position, awaited.head);
    return { ms: this.clock.now() - awaited.since, events };
  }
}
