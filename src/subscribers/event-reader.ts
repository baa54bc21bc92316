import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import { type EventFilter, passes } from './event-filter.js';
import { upToCharacters } from './event-size.js';
import { readPage } from './log-page.js';
import type { LogTail } from './log-tail.js';
import type { Turns } from './turns.js';

/** A stretch of the log that a reader comes through, with the events it wants of it. */
export interface Stretch {
  readonly events: readonly RecordedEvent[];
  /** Where it ends. */
  readonly position: Position | undefined;
  /** The same for all readers of the tail who come through the same stretch with the same filter; else undefined. */
  readonly name?: string;
}

export interface ReadableLog {
  readonly store: EventStore;
  readonly tail: LogTail;
  /** So many catch up at once; the others wait. */
  readonly catchUps: Turns;
  /** Of an event that is in the tail: whether it is held since. */
  readonly isHeld?: (event: RecordedEvent) => boolean;
}

/** What one reader holds at most. */
const AT_ONCE = { limit: 100, characters: 200_000 };

/** Where a reader's next events come from: the shared tail, or the log for one who is behind what that holds. */
export class EventReader {
  private place: number | undefined;
  private readonly filterName: string;

  constructor(
    private readonly log: ReadableLog,
    private position: Position | undefined,
    private readonly filter: EventFilter,
  ) {
    this.filterName = JSON.stringify([[...(filter.types ?? [])].sort(), filter.customerId]);
    this.place = log.tail.placeAfter(position);
  }

  /** Whether the next events are at hand without asking the log. */
  get isInTail(): boolean {
    return this.place !== undefined;
  }

  /**
   * The next stretch, which can be without a wanted event; undefined when there is none yet.
   * @throws StoreUnavailable it can be asked again @throws RangeError the position lies beyond the end of this log
   */
  async next(): Promise<Stretch | undefined> {
    this.place ??= this.log.tail.placeAfter(this.position);
    if (this.place === undefined) return this.fromLog();
    const events = this.log.tail.from(this.place, AT_ONCE.limit);
    if (events !== undefined) return this.fromTail(this.place, upToCharacters(events, AT_ONCE.characters));
    this.place = undefined;
    return this.fromLog();
  }

  private fromTail(place: number, events: readonly RecordedEvent[]): Stretch | undefined {
    const last = events.at(-1);
    if (last === undefined) return undefined;
    const name = `${place} ${events.length} ${this.filterName}`;
    // Whoever came from the log can be ahead of the tail.
    const fresh = events.filter((event) => this.isNew(event.position) && this.log.isHeld?.(event) !== true);
    const wanted = fresh.filter((event) => passes(this.filter, event));
    this.place = place + events.length;
    if (fresh.length === 0) return { events: [], position: this.position };
    this.position = last.position;
    const { position } = last;
    return fresh.length === events.length ? { events: wanted, position, name } : { events: wanted, position };
  }

  private async fromLog(): Promise<Stretch> {
    const { store, tail, catchUps } = this.log;
    const request = { after: this.position, filter: this.filter, ...AT_ONCE };
    const { events, position, hasMore } = await catchUps.take(() => readPage(store, request));
    this.position = position;
    if (!hasMore) this.place = tail.placeNext(position);
    return { events, position };
  }

  private isNew(position: Position): boolean {
    return this.position === undefined || this.log.store.comparePositions(position, this.position) > 0;
  }
}
