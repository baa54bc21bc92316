import { type AppendResult, END, type EventStoreDBClient, NO_STREAM } from '@eventstore/db-client';
import { type Clock, SystemClock } from '../../event-sourcing/clock.js';
import { within } from '../../event-sourcing/deadline.js';
import {
  type Appended,
  EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type Position,
  type RecordedEvent,
  type SubscribeOptions,
  type SubscriptionMessage,
  WrongExpectedRevision,
} from '../../event-sourcing/event-store.js';
import type { PassedPlace } from '../../event-sourcing/passed-place.js';
import { type DamageKind, StreamDamaged } from '../../event-sourcing/stream-damage.js';
import { UrlRefused } from '../url-refused.js';
import { appendFailure, failedBeforeSending, NoAnswer, readFailure } from './client-errors.js';
import { ClientSlot } from './client-slot.js';
import { EventDensity } from './event-density.js';
import { toProposed } from './event-messages.js';
import { liveMessages } from './live-messages.js';
import { LogIdentity } from './log-identity.js';
import { comparePositions, fractionOf, toPosition } from './log-positions.js';
import { LogReader } from './log-reader.js';
import { followLog } from './log-subscription.js';
import { openClient } from './mended-client.js';
import { OwnHead } from './own-head.js';
import { isTruncation, metadataStream } from './stream-metadata.js';

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
  const slot = new ClientSlot(() => openClient(options.url, timeouts.appendMs), clock);
  return new EventStoreDbEventStore(slot, options.prefixes, clock, timeouts, options.passed);
}

/** Whether the `debug` package, given this setting, would print what the client does. */
const debugsTheClient = (setting = ''): boolean =>
  setting.split(/[\s,]+/).some((name) => /^(\*|e\*|es\*|esd\*|esdb)/.test(name));

/** The log on an EventStoreDB or KurrentDB server; what was observed of them is in the design, each trap beside its answer. */
export class EventStoreDbEventStore extends EventStore {
  private readonly identity: LogIdentity;
  private readonly density = new EventDensity();
  private readonly reader: LogReader;
  private readonly ownHead: OwnHead;
  private restarts = 0;

  constructor(
    private readonly slot: ClientSlot,
    private readonly prefixes: readonly string[],
    private readonly clock: Clock,
    private readonly timeouts: EventStoreDbTimeouts,
    passed: () => Promise<PassedPlace | undefined> = async () => undefined,
  ) {
    super();
    this.identity = new LogIdentity(slot, timeouts);
    this.reader = new LogReader(slot, timeouts.readMs, prefixes);
    this.ownHead = new OwnHead(this.reader, passed, prefixes);
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
    this.identity.refuseAnother();
    // Never ANY: only at a concrete expectation is a repeat known for one after a restart of the server.
    const expectedRevision = expected === 'no_stream' ? NO_STREAM : BigInt(expected);
    const { appendMs } = this.timeouts;
    // Without credentials of its own the append goes out on the stream that all share, which is twice as fast.
    const call = (client: EventStoreDBClient): Promise<AppendResult> =>
      client.appendToStream(stream, proposed, { expectedRevision });
    const inTime = (client: EventStoreDBClient): Promise<AppendResult> =>
      within(appendMs, call(client), () => new NoAnswer());
    try {
      const { success, nextExpectedRevision, position } = await this.slot.use(inTime, failedBeforeSending);
      if (!success) throw new WrongExpectedRevision(stream, expected);
      if (position === undefined) throw new Error('The server answered an append without its position');
      return { revision: Number(nextExpectedRevision), position: toPosition(position) };
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

  override subscribe({ prefixes = this.prefixes, ...options }: SubscribeOptions): AsyncIterable<SubscriptionMessage> {
    const { clock, slot, timeouts } = this;
    const log = {
      clock,
      outageMs: timeouts.outageMs,
      get isClosed(): boolean {
        return slot.isClosed;
      },
      verify: () => this.identity.verify(),
      end: () => this.end(),
      dropped: () => {
        this.restarts += 1;
      },
      spaced: (event: Position, next: Position) => this.density.observe(event, next),
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
      await within(this.timeouts.healthMs, this.identity.verify(), () => new NoAnswer());
    } catch (error) {
      throw readFailure(error);
    }
  }

  /** What is under way fails, subscriptions with StoreUnavailable; without it the process would not end. */
  close(): Promise<void> {
    return this.slot.close();
  }

  private isOwn(prefixes: readonly string[]): boolean {
    return prefixes.every((prefix) => this.prefixes.some((own) => prefix.startsWith(own)));
  }
}

/** So that whoever keeps how far it has come keeps this place. */
function afterMark(
  position: Position,
  messages: AsyncIterator<SubscriptionMessage>,
  signal: AbortSignal,
): AsyncIterator<SubscriptionMessage> {
  let told = false;
  return {
    next: () => {
      if (told || signal.aborted) return messages.next();
      told = true;
      return Promise.resolve({ value: { kind: 'checkpoint', position } });
    },
    return: async () => (await messages.return?.()) ?? { done: true, value: undefined },
  };
}
