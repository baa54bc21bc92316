import type { EventStore, Position } from './event-store.js';
import { StoreUnavailable } from './store-errors.js';

/** The views, as far as the gate looks at them. */
export interface Interruptible {
  /** How often the way to them was broken so far. */
  readonly interruptions: number;
}

/**
 * Keeps "read your writes" honest. After a write whose view could not be written, and after any break of the way to the
 * views (other instances may have written without them meanwhile), reads are refused until the projector has passed that
 * write, or the head of the log seen since: better no answer than one from before.
 */
export class ReadGate {
  private missed: Position | undefined;
  private seen: number;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly views: Interruptible,
    private readonly projector: { hasReached(position: Position): boolean },
  ) {
    this.seen = views.interruptions;
  }

  get isClosed(): boolean {
    return this.seen !== this.views.interruptions || this.missed !== undefined;
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
      if (this.seen === this.views.interruptions) return answer();
    }
  }

  /** @throws StoreUnavailable the views have not caught up yet, or it can't be told whether they have */
  async pass(): Promise<void> {
    if (!this.isClosed) return;
    while (this.seen !== this.views.interruptions) {
      this.looking ??= this.lookAtTheLog().finally(() => (this.looking = undefined));
      await this.looking;
    }
    if (this.missed === undefined) return;
    if (!this.projector.hasReached(this.missed)) throw new StoreUnavailable('read_model');
    this.missed = undefined;
  }

  private async lookAtTheLog(): Promise<void> {
    const { interruptions } = this.views;
    const head = await this.store.head();
    if (head !== undefined) this.closeUntil(head);
    this.seen = interruptions;
  }
}
