import type { RecordedEvent } from '../../event-sourcing/event-store.js';
import { NewestWindow, type WindowSize } from '../../event-sourcing/newest-window.js';
import { type EventRow, toRecorded } from './event-rows.js';

export type ReadRows = (after: number, limit: number) => readonly EventRow[];

const SIZE: WindowSize = { events: 1_000, characters: 2_000_000 };

/** A row that is decoded for the first who wants it, and shared with all who come after. */
export class StoredEvent {
  private decoded: RecordedEvent | undefined;

  constructor(private readonly row: EventRow) {}

  get position(): number {
    return this.row[0];
  }

  get stream(): string {
    return this.row[1];
  }

  get characters(): number {
    const [, , , , , data, metadata] = this.row;
    return data.length + metadata.length;
  }

  get event(): RecordedEvent {
    this.decoded ??= toRecorded(this.row);
    return this.decoded;
  }
}

/**
 * The end of the log, read and decoded once for all subscriptions of this process that have come so far. Without gaps:
 * what stands between the first event held and the last is held too. Whoever is elsewhere reads for itself.
 */
export class NewestEvents {
  private readonly window: NewestWindow<StoredEvent>;
  /** Every event after the one and up to the other is held. */
  private floor = 0;
  private end = 0;
  /** In this turn of the event loop it was looked for more. */
  private looked = false;

  constructor(
    private readonly read: ReadRows,
    size: WindowSize = SIZE,
  ) {
    this.window = new NewestWindow(size, ({ characters }) => characters);
  }

  /** Of the log as it is in this turn; fewer than `limit` only where it ends. */
  after(position: number, limit: number): readonly StoredEvent[] {
    if (position < this.floor) return this.read(position, limit).map((row) => new StoredEvent(row));
    if (position > this.end) this.beginAt(position);
    const from = this.window.countPassed((event) => event.position <= position);
    const missing = limit - (this.window.held.length - from);
    if (missing > 0) this.lookForMore(missing);
    const found = this.window.held.slice(from, from + limit);
    this.dropOldest();
    return found;
  }

  /** Committed by this process, and so not to be read again; unless another has written in between. */
  appended(rows: readonly EventRow[]): void {
    for (const row of rows) {
      if (row[0] === this.end + 1) this.hold(row);
      else if (row[0] > this.end) this.looked = false;
    }
    this.dropOldest();
  }

  /** Another process has written, maybe since this turn's look. */
  lookAgain(): void {
    this.looked = false;
  }

  private beginAt(position: number): void {
    this.window.clear();
    this.floor = this.end = position;
    this.looked = false;
  }

  /** Another process may have written. All who are woken together ask in one turn. */
  private lookForMore(limit: number): void {
    if (this.looked) return;
    const rows = this.read(this.end, limit);
    for (const row of rows) this.hold(row);
    if (rows.length === limit) return;
    this.looked = true;
    setImmediate(() => (this.looked = false));
  }

  private hold(row: EventRow): void {
    const event = new StoredEvent(row);
    this.window.add(event);
    this.end = event.position;
  }

  private dropOldest(): void {
    this.floor = this.window.dropOldest().at(-1)?.position ?? this.floor;
  }
}
