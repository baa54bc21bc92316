import { type AppendResult, END, type EventStoreDBClient, NO_STREAM } from '@eventstore/db-client';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type Clock, SystemClock } from '../../event-sourcing/clock.js';
import { within } from '../../event-sourcing/deadline.js';
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
import type { PassedPlace } from '../../event-sourcing/passed-place.js';
import { type DamageKind, StreamDamaged } from '../../event-sourcing/stream-damage.js';
import type { AnotherLog } from '../../event-sourcing/store-errors.js';
import { UrlRefused } from '../url-refused.js';
import { afterMark } from './after-mark.js';
import { appendFailure, failedBeforeSending, isBroken, NoAnswer, readFailure } from './client-errors.js';
import { ClientSlot } from './client-slot.js';
import { EventDensity } from './event-density.js';
import { toProposed } from './event-messages.js';
import { liveMessages } from './live-messages.js';
import { LogContinuity, type Witness } from './log-continuity.js';
import { LogIdentity } from './log-identity.js';
import { comparePositions, fractionOf, toPosition } from './log-positions.js';
import { LogReader } from './log-reader.js';
import { followLog } from './log-subscription.js';
import { openClient } from './mended-client.js';
import { OwnHead } from './own-head.js';
import { standingAt } from './standing-events.js';
import { isTruncation, metadataStream } from './stream-metadata.js';
import { connected } from './verified-connections.js';

/** Of events in one call: enough to be fast, and little enough to come within the time-out of a read. */
const PAGE = 500;

export interface EventStoreDbTimeouts {
  /** Round an append; then its outcome is unknown. Two of them fit into the 4 s of a command. */
  readonly appendMs: number;
  /** Round each page of a read, and the confirmation of a subscription. */
  readonly readMs: number;
  readonly healthMs: number;
  /** How long a subscription tries to resume before it fails. */
  readonly outageMs: number;
}

export interface EventStoreDbOptions {
  /** A connection string, `esdb://` or `esdb+discover://`. It may hold a password and is never repeated. */
  readonly url: string;
  /** How the names of the service's own streams begin. */
  readonly prefixes: readonly string[];
  /** The setting `DEBUG` of the process. */
  readonly debug?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly timeouts?: Partial<EventStoreDbTimeouts> | undefined;
  /** How far the log was followed by others before, as far as is known: what lies before is not read for its head. */
  readonly passed?: (() => Promise<PassedPlace | undefined>) | undefined;
}

const TIMEOUTS: EventStoreDbTimeouts = { appendMs: 2_000, readMs: 2_000, healthMs: 1_500, outageMs: 5_000 };

/**
 * Does not connect yet: a server that is away is met by the first call.
 * @throws UrlRefused it can't be read, or DEBUG would print it
 */
export function openEventStoreDb(options: EventStoreDbOptions): EventStoreDbEventStore {
  if (debugsTheClient(options.debug)) {
    throw new UrlRefused('DEBUG must not name esdb: the client would print passwords, ids and payloads');
  }
  const clock = options.clock ?? new SystemClock();
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const continuity = new LogContinuity(timeouts.readMs);
  const slot = new ClientSlot(() => openClient(options.url, timeouts.appendMs, continuity), clock);
  const { prefixes, passed } = options;
  return new EventStoreDbEventStore({ slot, continuity, prefixes, clock, timeouts, passed });
}

/** Whether the `debug` package, given this setting, would print what the client does. */
const debugsTheClient = (setting = ''): boolean =>
  setting.split(/[\s,]+/).some((name) => /^(\*|e\*|es\*|esd\*|esdb)/.test(name));

interface EventStoreDbParts {
  readonly slot: ClientSlot;
  readonly continuity: LogContinuity;
  readonly prefixes: readonly string[];
  readonly clock: Clock;
  readonly timeouts: EventStoreDbTimeouts;
  readonly passed?: EventStoreDbOptions['passed'];
}

/** The log on an EventStoreDB or KurrentDB server; what was observed of them is in the design, each trap beside its answer. */
export class EventStoreDbEventStore extends EventStore {
  private readonly identity: LogIdentity;
  private readonly density = new EventDensity();
  private readonly reader: LogReader;
  private readonly ownHead: OwnHead;
  private readonly slot: ClientSlot;
  private readonly continuity: LogContinuity;
  private readonly timeouts: EventStoreDbTimeouts;
  private verifying: Promise<void> | undefined;
  private restarts = 0;

  constructor(private readonly parts: EventStoreDbParts) {
    super();
    const { slot, continuity, timeouts, prefixes, passed = async () => undefined } = parts;
    [this.slot, this.continuity, this.timeouts] = [slot, continuity, timeouts];
    this.identity = new LogIdentity(slot, timeouts, (id) => continuity.identify(id));
    this.reader = new LogReader(slot, timeouts.readMs, prefixes, (event) => continuity.saw(witnessOf(event)));
    this.ownHead = new OwnHead(this.reader, passed, prefixes);
  }

  override get anotherLog(): AnotherLog | undefined {
    return this.continuity.anotherLog;
  }

  override get subscriptionRestarts(): number {
    return this.restarts;
  }

  /** @throws RangeError no events, no stream, an id that is no UUID, or more than the server takes in one append */
  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    if (events.length === 0) throw new RangeError('An append needs an event');
    if (stream === '') throw new RangeError('An append needs the name of a stream');
    const proposed = events.map(toProposed);
    // Never ANY: only at a concrete expectation is a repeat known for one after a restart of the server.
    const expectedRevision = expected === 'no_stream' ? NO_STREAM : BigInt(expected);
    const { appendMs } = this.timeouts;
    // Without credentials of its own the append goes out on the stream that all share, which is twice as fast.
    const call = (client: EventStoreDBClient): Promise<AppendResult> =>
      client.appendToStream(stream, proposed, { expectedRevision });
    const inTime = (client: EventStoreDBClient): Promise<AppendResult> =>
      within(appendMs, call(client), () => new NoAnswer());
    await this.connected();
    try {
      const { success, nextExpectedRevision, position } = await this.slot.use(inTime, failedBeforeSending);
      if (!success) throw new WrongExpectedRevision(stream, expected);
      if (position === undefined) throw new Error('The server answered an append without its position');
      const appended = { revision: Number(nextExpectedRevision), position: toPosition(position) };
      this.continuity.saw({ stream, eventId: proposed.at(-1)?.id ?? '', ...appended });
      return appended;
    } catch (error) {
      throw appendFailure(error, stream, expected);
    }
  }

  override async read(
    stream: string,
    { from = 0, limit = Infinity }: { readonly from?: number; readonly limit?: number } = {},
  ): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    while (events.length < limit) {
      const maxCount = Math.min(PAGE, limit - events.length);
      // Not counted from `from`: a stream that was truncated begins later.
      const page = await this.reader.page(stream, (events.at(-1)?.revision ?? from - 1) + 1, maxCount);
      for (const event of page) events.push(event);
      if (page.length < maxCount) break;
    }
    return events;
  }

  /** A stream that never was and one that was deleted softly read alike: the metadata of the latter tells. */
  override async damageOf(stream: string): Promise<DamageKind | undefined> {
    try {
      const [first] = await this.reader.page(stream, 0, 1);
      if (first !== undefined) return first.revision > 0 ? 'cut' : undefined;
      return isTruncation(await this.reader.newestData(metadataStream(stream))) ? 'removed' : undefined;
    } catch (error) {
      if (error instanceof StreamDamaged) return error.damage;
      throw error;
    }
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionMessage> {
    const { prefixes = this.parts.prefixes } = options;
    const { slot, timeouts } = this;
    const log = {
      clock: this.parts.clock,
      outageMs: timeouts.outageMs,
      get isClosed(): boolean {
        return slot.isClosed;
      },
      verify: () => this.verify(),
      end: () => this.end(),
      dropped: () => {
        this.restarts += 1;
      },
      spaced: (event: Position, next: Position) => this.density.observe(event, next),
      saw: (event: RecordedEvent) => this.continuity.saw(witnessOf(event)),
      reaches: (position: Position) => this.continuity.reaches(position),
      connect: (after: Position | undefined, signal: AbortSignal) =>
        liveMessages(slot.current, { after, prefixes, patienceMs: timeouts.readMs, signal }),
    };
    return {
      [Symbol.asyncIterator]: () => {
        // What others wrote before this place was passed over already: the server need not do it again for each who asks.
        const place = this.isOwn(prefixes) ? this.ownHead.placeBehind(options.after) : undefined;
        const messages = followLog(log, { ...options, after: place ?? options.after })[Symbol.asyncIterator]();
        return place === undefined ? messages : afterMark(place, messages, options.signal);
      },
    };
  }

  override head(): Promise<Position | undefined> {
    return this.ownHead.find();
  }

  override async end(): Promise<Position | undefined> {
    const [last] = await this.reader.backwards(END, 1);
    return last?.event && toPosition(last.event.position);
  }

  override logId(): Promise<string> {
    return this.identity.id();
  }

  override comparePositions(a: Position, b: Position): number {
    return comparePositions(a, b);
  }

  override fraction(position: Position, head: Position): number {
    return fractionOf(position, head);
  }

  /** From the distance of the events that came through subscriptions of late. */
  override eventsBetween(after: Position | undefined, upTo: Position): number {
    return this.density.eventsBetween(after, upTo);
  }

  override async health(): Promise<void> {
    try {
      await within(this.timeouts.healthMs, this.verify(), () => new NoAnswer());
    } catch (error) {
      throw readFailure(error);
    }
  }

  override async standingAt(
    place: Pick<KnownEvent, 'stream' | 'revision'>,
  ): Promise<StandingEvent | 'removed' | undefined> {
    try {
      return await this.slot.use((client) => standingAt(client, place, this.timeouts.readMs), isBroken);
    } catch (error) {
      throw readFailure(error);
    }
  }

  override expect(position: Position, event?: KnownEvent): void {
    this.continuity.reaches(position);
    if (event !== undefined) this.continuity.saw(event);
  }

  /** What is under way fails, subscriptions with StoreUnavailable; without it the process would not end. */
  close(): Promise<void> {
    return this.slot.close();
  }

  /**
   * Asks whether the server still has the log that this process works with.
   * @throws StoreUnavailable, as AnotherLog when it has not
   */
  private verify(): Promise<void> {
    const ask = (client: EventStoreDBClient): Promise<void> => this.continuity.verify(client);
    this.verifying ??= (this.identity.isKnown ? this.slot.use(ask, isBroken) : this.identity.id().then(() => undefined))
      .catch((error: unknown) => {
        throw readFailure(error);
      })
      .finally(() => (this.verifying = undefined));
    return this.verifying;
  }

  /** What fails in here was not sent, where the failure of an append leaves its outcome open. */
  private async connected(): Promise<void> {
    const { readMs } = this.timeouts;
    const connect = (client: EventStoreDBClient): Promise<void> =>
      within(readMs, connected(client, streamsService.StreamsClient), () => new NoAnswer());
    try {
      await this.slot.use(connect, isBroken);
    } catch (error) {
      throw readFailure(error);
    }
  }

  private isOwn(prefixes: readonly string[]): boolean {
    return prefixes.every((prefix) => this.parts.prefixes.some((own) => prefix.startsWith(own)));
  }
}

const witnessOf = ({ stream, revision, id, position }: RecordedEvent): Witness => ({
  stream,
  revision,
  eventId: id,
  position,
});
