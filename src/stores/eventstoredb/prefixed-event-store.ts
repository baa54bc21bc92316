import {
  type Appended,
  EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type KnownEvent,
  type Position,
  type RecordedEvent,
  type StandingEvent,
  type SubscribeOptions,
  type SubscriptionMessage,
  WrongExpectedRevision,
} from '../../event-sourcing/event-store.js';
import { type DamageKind, StreamDamaged } from '../../event-sourcing/stream-damage.js';
import type { AnotherLog } from '../../event-sourcing/store-errors.js';

/**
 * A log that several environments share: each knows its own streams only, whose names begin with its prefix in the log
 * and without it here. Hashes are taken over the names as they are here, so a copy under another prefix still proves whole.
 */
export class PrefixedEventStore extends EventStore {
  constructor(
    /** Opened with the prefixes of streams as they are in the log. */
    private readonly log: EventStore,
    private readonly prefix: string,
  ) {
    super();
  }

  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    try {
      return await this.log.append(stream === '' ? stream : this.prefix + stream, expected, events);
    } catch (error) {
      throw error instanceof WrongExpectedRevision
        ? new WrongExpectedRevision(stream, expected)
        : this.ownFailure(error);
    }
  }

  override async read(stream: string, options?: Parameters<EventStore['read']>[1]): Promise<readonly RecordedEvent[]> {
    try {
      return (await this.log.read(this.prefix + stream, options)).map((event) => this.own(event));
    } catch (error) {
      throw this.ownFailure(error);
    }
  }

  override damageOf(stream: string): Promise<DamageKind | undefined> {
    return this.log.damageOf(this.prefix + stream);
  }

  override subscribe({ prefixes, ...options }: SubscribeOptions): AsyncIterable<SubscriptionMessage> {
    const messages = this.log.subscribe({ ...options, prefixes: prefixes?.map((prefix) => this.prefix + prefix) });
    return {
      [Symbol.asyncIterator]: () => {
        const inner = messages[Symbol.asyncIterator]();
        return {
          next: async () => {
            const next = await inner.next();
            if (next.done === true) return { done: true, value: undefined };
            const { value } = next;
            return { value: this.ownMessage(value) };
          },
          // A generator would first wait for the `next()` that waits.
          return: async () => {
            await inner.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  override head(): Promise<Position | undefined> {
    return this.log.head();
  }

  override end(): Promise<Position | undefined> {
    return this.log.end();
  }

  override logId(): Promise<string> {
    return this.log.logId();
  }

  override comparePositions(a: Position, b: Position): number {
    return this.log.comparePositions(a, b);
  }

  override fraction(position: Position, head: Position): number {
    return this.log.fraction(position, head);
  }

  override eventsBetween(after: Position | undefined, upTo: Position): number {
    return this.log.eventsBetween(after, upTo);
  }

  override standingAt(place: Pick<KnownEvent, 'stream' | 'revision'>): Promise<StandingEvent | 'removed' | undefined> {
    return this.log.standingAt({ ...place, stream: this.prefix + place.stream });
  }

  override expect(position: Position, event?: KnownEvent): void {
    this.log.expect(position, event && { ...event, stream: this.prefix + event.stream });
  }

  override get anotherLog(): AnotherLog | undefined {
    return this.log.anotherLog;
  }

  override get subscriptionRestarts(): number {
    return this.log.subscriptionRestarts;
  }

  override health(): Promise<void> {
    return this.log.health();
  }

  private ownMessage(message: SubscriptionMessage): SubscriptionMessage {
    if (message.kind === 'event') return { kind: 'event', event: this.own(message.event) };
    if (message.kind === 'caught_up' || message.suspect === undefined) return message;
    return { ...message, suspect: this.ownName(message.suspect) };
  }

  private ownFailure(error: unknown): unknown {
    if (!(error instanceof StreamDamaged)) return error;
    return new StreamDamaged(this.ownName(error.stream), error.damage, error.revision, { cause: error });
  }

  private ownName(stream: string): string {
    return stream.slice(this.prefix.length);
  }

  private own(event: RecordedEvent): RecordedEvent {
    return { ...event, stream: this.ownName(event.stream) };
  }
}
