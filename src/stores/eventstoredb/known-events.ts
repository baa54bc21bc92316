import type { Position, RecordedEvent } from '../../event-sourcing/event-store.js';
import { comparePositions } from './log-positions.js';

/** One would do, unless an operator deletes or truncates its stream: that alone does not make it another log. */
const STREAMS = 8;

export type KnownEvent = Pick<RecordedEvent, 'stream' | 'revision' | 'id' | 'position'>;

/** The newest events that this process has seen in the log, each of another stream, the newest first. */
export class KnownEvents {
  private events: readonly KnownEvent[] = [];

  get newestFirst(): readonly KnownEvent[] {
    return this.events;
  }

  get end(): Position | undefined {
    return this.events[0]?.position;
  }

  /** Older than the newest, it is passed over: it proves less. */
  add({ stream, revision, id, position }: KnownEvent): void {
    const newest = this.events[0];
    if (newest !== undefined && comparePositions(position, newest.position) <= 0) return;
    const others = this.events.filter((event) => event.stream !== stream);
    this.events = [{ stream, revision, id, position }, ...others].slice(0, STREAMS);
  }
}
