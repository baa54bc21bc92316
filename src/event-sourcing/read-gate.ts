import type { EventStore, Position } from './event-store.js';
import { StoreUnavailable } from './store-errors.js';

/**
 * Keeps "read your writes" honest: after a write whose view could not be written, reads are refused until the projector
 * has passed that write, instead of showing what was before it.
 */
export class ReadGate {
  private missed: Position | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly projector: { hasReached(position: Position): boolean },
  ) {}

  /** The views lack what was appended up to `position`. */
  closeUntil(position: Position): void {
    const later = this.missed === undefined || this.store.comparePositions(position, this.missed) > 0;
    if (later) this.missed = position;
  }

  /** @throws StoreUnavailable the views have not caught up yet */
  pass(): void {
    if (this.missed === undefined) return;
    if (!this.projector.hasReached(this.missed)) throw new StoreUnavailable('read_model');
    this.missed = undefined;
  }
}
