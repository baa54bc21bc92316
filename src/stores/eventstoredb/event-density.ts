import type { Position } from '../../event-sourcing/event-store.js';
import { fromPosition } from './log-positions.js';

/** How many events the mean is about. */
const REMEMBERED = 100;
/** One stretch where others wrote much must not count for a hundred. */
const MOST_AT_ONCE = 20;

/** Positions are offsets in the log: how many bytes apart the service's events stand tells how many lie between two. */
export class EventDensity {
  /** About what an event of the service takes up, with its envelope. */
  private bytes = 1_000;

  /** The service's next event after the one stands at the other. */
  observe(event: Position, next: Position): void {
    const distance = Number(fromPosition(next).commit - fromPosition(event).commit);
    this.bytes += (Math.min(distance, MOST_AT_ONCE * this.bytes) - this.bytes) / REMEMBERED;
  }

  eventsBetween(after: Position | undefined, upTo: Position): number {
    const distance = fromPosition(upTo).commit - (after === undefined ? 0n : fromPosition(after).commit);
    return distance <= 0n ? 0 : Math.max(1, Math.round(Number(distance) / this.bytes));
  }
}
