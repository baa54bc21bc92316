import type { EventStore, Position } from './event-store.js';
import { StoreUnavailable } from './store-errors.js';

/** The views, as far as the gate looks at them. */
export interface Interruptible {
  /** How often the way to them was broken so far. */
  readonly interruptions: number;
}

/** The projector, as far as the gate looks at it. */
export interface Projecting {
  hasReached(position: Position): boolean;
  /** How often its database was found restored to an earlier state. */
  readonly setbacks: number;
  /** Looks whether it was restored. @throws StoreUnavailable */
  recheck(): Promise<void>;
}

/**
 * Keeps "read your writes" honest. After a write whose view could not be written, and after any break of the way to the
 * views (other instances may have written without them meanwhile), reads are refused until the projector has passed that
 * write, or the head of the log seen since: better no answer than one from before. The same holds for views that came back
 * from a backup. Views of another log are never read.
 */
export class ReadGate {
  private missed: Position | undefined;
  private seen: number;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly views: Interruptible,
    private readonly projector: Projecting,
  ) {
    this.seen = this.interruptions;
  }

  get isClosed(): boolean {
    return this.seen !== this.interruptions || this.missed !== undefined;
  }

  private get interruptions(): number {
    return this.views.interruptions + this.projector.setbacks;
  }

  /** The views lack what was appended up to `position`. */
  closeUntil(position: Position): void {
    const later = this.missed === undefined || this.store.comparePositions(position, this.missed) > 0;
    if (later) this.missed = position;
  }

  /**
   * Reads again when the way to the views was found broken while it read: what it read, or did not find, may be from before.
   * @throws StoreUnavailable as {@link pass}
   */
  async through<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.pass();
      const answer = await read().then(
        (value) => () => value,
        (error: unknown) => {
          if (error instanceof StoreUnavailable) throw error;
          return () => {
            throw error;
          };
        },
      );
      if (this.seen === this.interruptions) return answer();
    }
  }

  /** @throws StoreUnavailable the views have not caught up yet, or it can't be told whether they have; as AnotherLog */
  async pass(): Promise<void> {
    const { anotherLog } = this.store;
    if (anotherLog !== undefined) throw anotherLog;
    if (!this.isClosed) return;
    while (this.seen !== this.interruptions) {
      this.looking ??= this.lookAtTheLog().finally(() => (this.looking = undefined));
      await this.looking;
    }
    if (this.missed === undefined) return;
    if (!this.projector.hasReached(this.missed)) throw new StoreUnavailable('read_model');
    this.missed = undefined;
  }

  private async lookAtTheLog(): Promise<void> {
    const { interruptions } = this.views;
    // Behind a connection that broke there may be an older state of the views.
    await this.projector.recheck();
    const seen = interruptions + this.projector.setbacks;
    const head = await this.store.head();
    if (head !== undefined) this.closeUntil(head);
    this.seen = seen;
  }
}
