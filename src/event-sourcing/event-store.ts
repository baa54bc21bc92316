import type { DamageKind } from './stream-damage.js';
import type { AnotherLog } from './store-errors.js';

/** What JSON can carry; anything else is refused before a store is called. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A place in the order of the whole log. Opaque: made by the store alone, kept and given back as it is, and
 * compared only by {@link EventStore.comparePositions}.
 */
export type Position = string & { readonly __position: unique symbol };

export interface EventToAppend {
  /** UUID. The same id at the same expected revision is the same event: appending it again is not a second one. */
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

/** An event at its place in its stream. */
export interface StreamEvent extends EventToAppend {
  readonly stream: string;
  /** Place in the stream, from 0, without gaps. */
  readonly revision: number;
}

export interface RecordedEvent extends StreamEvent {
  readonly position: Position;
  /** When the store wrote it, milliseconds since the epoch, by the store's clock. */
  readonly recordedAt: number;
  /** What is stored as its payload is no JSON object: `data` and `metadata` are empty in its place. */
  readonly unreadable?: true;
}

/** An event that stood in the log, as a checkpoint names it. */
export interface KnownEvent {
  readonly stream: string;
  readonly revision: number;
  readonly eventId: string;
}

/** What stands at a place of a stream, as far as it can be told from an event seen there before. */
export interface StandingEvent {
  readonly eventId: string;
  /** Absent where the event is not of the service's form. */
  readonly hash: string | undefined;
}

export type ExpectedRevision = number | 'no_stream';

export interface Appended {
  /** Revision and position of the last event of the append. */
  readonly revision: number;
  readonly position: Position;
}

/** What a subscription yields, in band: a mark never overtakes an event that stands before it in the log. */
export type SubscriptionMessage =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  /** All that was in the log when this was made has been yielded. May come more than once. */
  | { readonly kind: 'caught_up' }
  /**
   * Nothing wanted stands up to here: resuming after it skips no event of the subscription. `suspect` names a stream that
   * an operator has deleted or truncated at this place: `damageOf` tells what is left of it now.
   */
  | { readonly kind: 'checkpoint'; readonly position: Position; readonly suspect?: string };

export interface SubscribeOptions {
  /** Exclusive; from the beginning of the log when absent. */
  readonly after?: Position | undefined;
  /** Only streams whose name begins with one of these; every stream of the service when absent. */
  readonly prefixes?: readonly string[] | undefined;
  /** Ends the iteration cleanly. */
  readonly signal: AbortSignal;
}

/**
 * The event log: the one truth, from which everything else can be made again.
 * Every adapter passes the suite `test/contracts/event-store.contract.ts`.
 */
export abstract class EventStore {
  /**
   * Appends all events or none. Of many writers at one revision exactly one wins. The same append repeated
   * (same ids at the same expectation) succeeds with the first result.
   * @throws WrongExpectedRevision nothing was written
   * @throws StoreUnavailable nothing was written
   * @throws StreamDamaged the stream was deleted for good; nothing was written
   * @throws OutcomeUnknown it is wholly there or not at all
   * @throws NotJson a payload that JSON can't carry; the store was not called
   */
  abstract append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<Appended>;

  /**
   * The stream's events in order, from revision `from` (default 0), at most `limit`. An absent stream reads empty. What is
   * stored is shown as it is: an event that is missing, or unreadable, stops no reader.
   * @throws StreamDamaged the stream was deleted for good
   */
  abstract read(
    stream: string,
    options?: { readonly from?: number; readonly limit?: number },
  ): Promise<readonly RecordedEvent[]>;

  /** Every event once, in log order, then live; ends when the signal aborts, throws when the store drops it. */
  abstract subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionMessage>;

  /**
   * What became of the stream as a whole, as far as the store tells: undefined for a stream that begins with revision 0, and
   * for one that never was.
   * @throws StoreUnavailable
   */
  async damageOf(stream: string): Promise<DamageKind | undefined> {
    const [first] = await this.read(stream, { limit: 1 });
    return first !== undefined && first.revision > 0 ? 'cut' : undefined;
  }

  /**
   * The position of the newest event of the service's own streams, which a subscription to all of them is sure to pass;
   * undefined while there is none.
   */
  abstract head(): Promise<Position | undefined>;

  /** Where the log ends, whoever wrote there: a position after it was made by another log. Undefined while it is empty. */
  abstract end(): Promise<Position | undefined>;

  /** Names this log for its whole life; a wiped and refilled log has another. */
  abstract logId(): Promise<string>;

  /** Negative when `a` is before `b`, 0 when equal. */
  abstract comparePositions(a: Position, b: Position): number;

  /** About how much of the log up to `head` lies at or before `position`: 0 to 1, for showing progress. */
  abstract fraction(position: Position, head: Position): number;

  /** About how many events of the service lie after the one (from the beginning when absent) and up to the other. */
  abstract eventsBetween(after: Position | undefined, upTo: Position): number;

  /** How often a running subscription was dropped and begun again by the store itself. */
  get subscriptionRestarts(): number {
    return 0;
  }

  /**
   * What stands now where an event was seen before; undefined when nothing does. `removed` when the stream was deleted or
   * truncated from outside, which makes it no other log: nothing follows from that place.
   * @throws StoreUnavailable
   */
  async standingAt({
    stream,
    revision,
  }: Pick<KnownEvent, 'stream' | 'revision'>): Promise<StandingEvent | 'removed' | undefined> {
    const [found] = await this.read(stream, { from: revision, limit: 1 });
    return found && standing(found);
  }

  /**
   * Adds to what this process knows of its log: it reaches `position`, and holds this event. A store whose log can be
   * exchanged while it is in use checks that after each reconnection, before anything is appended or read.
   */
  expect(_position: Position, _event?: KnownEvent): void {
    // Nothing to do where the log can't be exchanged.
  }

  /** Set while the log is known to be another one; cleared once the right one is back. */
  get anotherLog(): AnotherLog | undefined {
    return undefined;
  }

  /** @throws StoreUnavailable */
  abstract health(): Promise<void>;
}

export function standing({ id, metadata }: Pick<EventToAppend, 'id' | 'metadata'>): StandingEvent {
  const { hash } = metadata;
  return { eventId: id, hash: typeof hash === 'string' ? hash : undefined };
}

export class WrongExpectedRevision extends Error {
  override readonly name = 'WrongExpectedRevision';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
  ) {
    super('The stream is not at the expected revision');
  }
}

export class NotJson extends Error {
  override readonly name = 'NotJson';
}
