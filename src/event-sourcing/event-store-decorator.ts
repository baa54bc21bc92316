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
} from './event-store.js';
import type { AnotherLog } from './store-errors.js';
import type { DamageKind } from './stream-damage.js';

/** An event log that hands everything on as it is: a decorator overrides what it changes. */
export abstract class EventStoreDecorator extends EventStore {
  constructor(protected readonly inner: EventStore) {
    super();
  }

  override append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<Appended> {
    return this.inner.append(stream, expected, events);
  }

  override read(
    stream: string,
    options?: { readonly from?: number; readonly limit?: number },
  ): Promise<readonly RecordedEvent[]> {
    return this.inner.read(stream, options);
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionMessage> {
    return this.inner.subscribe(options);
  }

  override damageOf(stream: string): Promise<DamageKind | undefined> {
    return this.inner.damageOf(stream);
  }

  override head(): Promise<Position | undefined> {
    return this.inner.head();
  }

  override end(): Promise<Position | undefined> {
    return this.inner.end();
  }

  override logId(): Promise<string> {
    return this.inner.logId();
  }

  override comparePositions(a: Position, b: Position): number {
    return this.inner.comparePositions(a, b);
  }

  override fraction(position: Position, head: Position): number {
    return this.inner.fraction(position, head);
  }

  override eventsBetween(after: Position | undefined, upTo: Position): number {
    return this.inner.eventsBetween(after, upTo);
  }

  override standingAt(place: Pick<KnownEvent, 'stream' | 'revision'>): Promise<StandingEvent | 'removed' | undefined> {
    return this.inner.standingAt(place);
  }

  override expect(position: Position, event?: KnownEvent): void {
    this.inner.expect(position, event);
  }

  override get anotherLog(): AnotherLog | undefined {
    return this.inner.anotherLog;
  }

  override get subscriptionRestarts(): number {
    return this.inner.subscriptionRestarts;
  }

  override health(): Promise<void> {
    return this.inner.health();
  }
}
