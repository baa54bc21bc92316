import type { EventStore, JsonObject, Position, RecordedEvent } from './event-store.js';
import { type DamageKind, DAMAGES } from './stream-damage.js';

/**
 * The record of damaged streams, in the log itself: the same for all instances, and still there after a restart or a
 * restore of any other store. Among the audit's streams, of which a release that knows nothing of it shows every event
 * and decodes none.
 */
export const QUARANTINE_STREAM = 'audit-quarantine';

/** Once a hold is open, the events of its stream are kept from all who follow the log. */
export const STREAM_SET_ASIDE = 'StreamSetAside';
/** Stands in the log where an event that was held is delivered: one for each, before the release. */
export const HELD_EVENT_RELEASED = 'HeldEventReleased';
export const STREAM_RELEASED = 'StreamReleased';
export const QUARANTINE_TYPES = [STREAM_SET_ASIDE, HELD_EVENT_RELEASED, STREAM_RELEASED] as const;

/** One setting aside of one stream. */
export interface Hold {
  /** The revision of its record: names it. */
  readonly number: number;
  readonly stream: string;
  readonly damage: DamageKind;
  /** Held from this revision on; without it, all that came after the record. */
  readonly from?: number;
  /** Of its record. */
  readonly position: Position;
  /** When it was recorded, milliseconds since the epoch. */
  readonly at: number;
  /** The revision behind the last one that is marked as released. */
  readonly markedTo?: number;
  readonly release?: { readonly position: Position; readonly from: number };
}

type Compare = Pick<EventStore, 'comparePositions'>;

/** All holds there ever were, by stream and in their order. */
export class Holds {
  private readonly byStream = new Map<string, Hold[]>();

  constructor(private readonly order: Compare) {}

  get open(): readonly Hold[] {
    return [...this.byStream.values()].flatMap((holds) => holds.filter(({ release }) => release === undefined));
  }

  of(stream: string): readonly Hold[] {
    return this.byStream.get(stream) ?? [];
  }

  openOf(stream: string): Hold | undefined {
    const last = this.byStream.get(stream)?.at(-1);
    return last?.release === undefined ? last : undefined;
  }

  /** The last hold that covers the event; it is delivered at that hold's mark for it, and nowhere else. */
  covering(event: RecordedEvent): Hold | undefined {
    return this.byStream.get(event.stream)?.findLast((hold) => this.covers(hold, event));
  }

  /** What is no record of a hold is passed over: an operator wrote it, or a newer release. */
  apply(recorded: RecordedEvent): void {
    const { type, data, revision: number, position } = recorded;
    const stream = data['stream'];
    if (typeof stream !== 'string') return;
    if (type === STREAM_SET_ASIDE) {
      const damage = DAMAGES.find((kind) => kind === data['damage']);
      if (damage === undefined || this.openOf(stream) !== undefined) return;
      const from = revisionIn(data, 'from');
      this.put({ number, stream, damage, position, at: recorded.recordedAt, ...(from !== undefined && { from }) });
      return;
    }
    const hold = this.openOf(stream);
    if (hold === undefined || hold.number !== data['hold']) return;
    const [from, marked] = [revisionIn(data, 'from'), revisionIn(data, 'revision')];
    if (type === STREAM_RELEASED && from !== undefined) this.put({ ...hold, release: { position, from } });
    if (type === HELD_EVENT_RELEASED && marked !== undefined) this.put({ ...hold, markedTo: marked + 1 });
  }

  private put(hold: Hold): void {
    const others = this.of(hold.stream).filter(({ number }) => number !== hold.number);
    this.byStream.set(hold.stream, [...others, hold]);
  }

  private covers({ from, position, release }: Hold, event: RecordedEvent): boolean {
    if (release !== undefined) return event.revision >= release.from && this.isBefore(event.position, release.position);
    return (from !== undefined && event.revision >= from) || this.isBefore(position, event.position);
  }

  private isBefore(a: Position, b: Position): boolean {
    return this.order.comparePositions(a, b) < 0;
  }
}

export interface Mark {
  readonly stream: string;
  readonly hold: number;
  readonly revision: number;
}

/** Undefined for what is no mark of a released event. */
export function markIn({ stream: recordedIn, type, data }: RecordedEvent): Mark | undefined {
  if (recordedIn !== QUARANTINE_STREAM || type !== HELD_EVENT_RELEASED) return undefined;
  const { stream } = data;
  const [hold, revision] = [revisionIn(data, 'hold'), revisionIn(data, 'revision')];
  return typeof stream === 'string' && hold !== undefined && revision !== undefined
    ? { stream, hold, revision }
    : undefined;
}

function revisionIn(data: JsonObject, field: string): number | undefined {
  const value = data[field];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
