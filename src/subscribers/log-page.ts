import { CUSTOMER_PREFIX, customerStream } from '../customers/streams.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import { type EventFilter, passes } from './event-filter.js';
import { charactersOf } from './event-size.js';

/** Some events of the log in its order, and how far that reaches. */
export interface LogPage {
  readonly events: readonly RecordedEvent[];
  /** Nothing that was asked for lies between the last event and here. Undefined while nothing was passed. */
  readonly position: Position | undefined;
  /** Whether there was more in the log. */
  readonly hasMore: boolean;
}

export interface PageRequest {
  /** Exclusive; the beginning when undefined. */
  readonly after: Position | undefined;
  readonly filter: EventFilter;
  /** Of events in the page. */
  readonly limit: number;
  /** About how much text the events of the page make together at most; it has one at least. */
  readonly characters: number;
}

/** As {@link PageRequest}, for any of the service's streams. */
export interface ScanRequest extends Omit<PageRequest, 'filter'> {
  /** All of the service's streams when undefined. */
  readonly prefixes?: readonly string[] | undefined;
  readonly wants: (event: RecordedEvent) => boolean;
}

/** A page ends when so much was looked through, whatever was found: a rare filter never scans without bound. */
const SCAN = { events: 10_000, ms: 1_000 };
/** The log has said nothing at all. */
const SILENCE_MS = 3_000;
const STREAM_PAGE = 500;

/**
 * @throws StoreUnavailable
 * @throws RangeError `after` lies beyond the end of this log
 */
export function readPage(store: EventStore, request: PageRequest): Promise<LogPage> {
  const { customerId } = request.filter;
  if (customerId === undefined) return readLog(store, request);
  return readStream(store, request, customerStream(customerId)).catch((error: unknown) => {
    // Where its events were held for a time they are not delivered where they stand: the whole log has to be gone along.
    if (error instanceof StreamDamaged) return readLog(store, request);
    throw error;
  });
}

class Found {
  readonly events: RecordedEvent[] = [];
  private characters = 0;

  constructor(private readonly most: Pick<PageRequest, 'limit' | 'characters'>) {}

  /** @returns false when the page is full without it */
  take(event: RecordedEvent): boolean {
    this.characters += charactersOf(event);
    const isFull = this.events.length > 0 && this.characters > this.most.characters;
    if (isFull || this.events.length === this.most.limit) return false;
    this.events.push(event);
    return true;
  }
}

const readLog = (store: EventStore, request: PageRequest): Promise<LogPage> =>
  scanLog(store, { ...request, prefixes: [CUSTOMER_PREFIX], wants: (event) => passes(request.filter, event) });

/**
 * Through a subscription that ends with the page, for that is the one way along the log that the port has.
 * @throws as {@link readPage}
 */
export async function scanLog(store: EventStore, request: ScanRequest): Promise<LogPage> {
  const { after, prefixes, wants } = request;
  const found = new Found(request);
  const end = new AbortController();
  const began = performance.now();
  const silence = setTimeout(() => end.abort(), SILENCE_MS);
  let position = after;
  let scanned = 0;
  let heard = false;
  try {
    for await (const message of store.subscribe({ after, prefixes, signal: end.signal })) {
      heard = true;
      if (message.kind === 'caught_up') return { events: found.events, position, hasMore: false };
      if (message.kind === 'event' && wants(message.event) && !found.take(message.event)) break;
      ({ position } = message.kind === 'event' ? message.event : message);
      scanned += 1;
      if (scanned >= SCAN.events || performance.now() - began >= SCAN.ms) break;
    }
  } finally {
    clearTimeout(silence);
    end.abort();
  }
  if (!heard) throw new StoreUnavailable('event_log');
  return { events: found.events, position, hasMore: true };
}

/**
 * One customer's events come from its own stream, so that a page of them costs the same wherever they lie in the log. Up
 * to the head seen before none is missing, and the position is the log's: it is good with any other filter too.
 */
async function readStream(store: EventStore, request: PageRequest, stream: string): Promise<LogPage> {
  const { after, filter } = request;
  const head = await store.head();
  if (after !== undefined && !reaches(store, head, after)) {
    if (!reaches(store, await store.end(), after)) throw new RangeError('The position lies beyond the end of this log');
    return { events: [], position: after, hasMore: false };
  }
  const found = new Found(request);
  const { events } = found;
  let position = after;
  let from = after === undefined ? 0 : await firstAfter(store, stream, after);
  for (let scanned = 0; scanned < SCAN.events; scanned += STREAM_PAGE) {
    const page = await store.read(stream, { from, limit: STREAM_PAGE });
    for (const event of page) {
      if (passes(filter, event) && !found.take(event)) return { events, position, hasMore: true };
      ({ position } = event);
    }
    if (page.length < STREAM_PAGE) return { events, position: laterOf(store, position, head), hasMore: false };
    from += page.length;
  }
  return { events, position, hasMore: true };
}

/** The revision of the stream's first event after the position: found in steps that double, then halve. */
async function firstAfter(store: EventStore, stream: string, after: Position): Promise<number> {
  const isAfter = async (revision: number): Promise<boolean> => {
    const [event] = await store.read(stream, { from: revision, limit: 1 });
    return event === undefined || store.comparePositions(event.position, after) > 0;
  };
  let [low, high] = [0, 1];
  while (!(await isAfter(high - 1))) [low, high] = [high, high * 2];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const reaches = (store: EventStore, position: Position | undefined, wanted: Position): boolean =>
  position !== undefined && store.comparePositions(position, wanted) >= 0;

const laterOf = (store: EventStore, a: Position | undefined, b: Position | undefined): Position | undefined =>
  a === undefined || (b !== undefined && store.comparePositions(b, a) > 0) ? b : a;
