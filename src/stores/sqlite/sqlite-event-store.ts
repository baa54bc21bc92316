import { randomUUID } from 'node:crypto';
import { type Clock, SystemClock } from '../../event-sourcing/clock.js';
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
import { OutcomeUnknown } from '../../event-sourcing/store-errors.js';
import { toJson } from '../event-payload.js';
import type { Change, Query } from './connection.js';
import { type DatabaseOptions, SqliteDatabase } from './database.js';
import { EVENT_COLUMNS, type EventRow, EVENTS, fromPosition, toPosition, toRecorded } from './event-rows.js';
import { followLog, type LogPages } from './log-subscription.js';
import { LogWatch } from './log-watch.js';
import { NewestEvents, StoredEvent } from './newest-events.js';
import { CHECKSUM_TRIGGER, rowChecksum } from './row-checksums.js';

/** AUTOINCREMENT: a position is never given twice, even if the newest rows were cut off by hand. */
const SCHEMA = `
  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    checksum INTEGER,
    UNIQUE (stream, revision)
  );
  CREATE TABLE log (id TEXT NOT NULL);
  ${CHECKSUM_TRIGGER(EVENTS)}`;

export const eventsDatabase = (file: string): DatabaseOptions => ({
  file,
  store: 'event_log',
  durability: 'full',
  schema: SCHEMA,
  checked: () => [EVENTS],
});

/** Large enough to be fast, small enough to hold the thread for a few milliseconds only. */
const PAGE = 500;
const POLL_MS = 100;

export interface SqliteEventStoreOptions {
  readonly file: string;
  readonly clock?: Clock | undefined;
  /** How long an append waits for another process's transaction; 2000 ms. */
  readonly patienceMs?: number | undefined;
}

interface Written {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

interface Outcome extends Appended {
  /** As they stand in the log from now on; none where it was done before. */
  readonly rows: readonly EventRow[];
}

/** SQLite has one writer, so commits are in the order of positions and no reader ever sees a gap that fills up later. */
export class SqliteEventStore extends EventStore {
  private readonly watch: LogWatch;
  private readonly pages: LogPages;
  private readonly newestEvents: NewestEvents;
  private readonly revisionOf: Query<[number]>;
  private readonly placeOf: Query<[string, number]>;
  private readonly insert: Change;
  private readonly lastPosition: Query<[number]>;
  private readonly streamFrom: Query<EventRow>;
  private readonly newest: Query<[number]>;

  private constructor(
    private readonly database: SqliteDatabase,
    private readonly clock: Clock,
  ) {
    super();
    const { writer, reader } = database;
    this.revisionOf = writer.query('SELECT revision FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1');
    this.placeOf = writer.query('SELECT id, position FROM events WHERE stream = ? AND revision = ?');
    this.insert = writer.change(`INSERT INTO events (${EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.lastPosition = writer.query("SELECT seq FROM sqlite_sequence WHERE name = 'events'");
    this.streamFrom = reader.query(
      `SELECT ${EVENT_COLUMNS} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`,
    );
    this.newest = reader.query('SELECT coalesce(max(position), 0) FROM events');
    const page = reader.query<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?`,
    );
    this.newestEvents = new NewestEvents((position, limit) => page.all(position, limit));
    this.watch = new LogWatch(() => {
      // Whoever is woken by what this finds must find it too.
      this.newestEvents.lookAgain();
      return this.newest.get()?.[0] ?? 0;
    }, POLL_MS);
    this.pages = {
      size: PAGE,
      after: (position, limit) => database.read(() => page.all(position, limit).map((row) => new StoredEvent(row))),
      shared: (position, limit) => database.read(() => this.newestEvents.after(position, limit)),
      head: () => database.read(() => this.newest.get()?.[0] ?? 0),
    };
  }

  /** @throws StoreUnavailable */
  static async open({ file, clock, patienceMs }: SqliteEventStoreOptions): Promise<SqliteEventStore> {
    const database = await SqliteDatabase.open({ ...eventsDatabase(file), patienceMs });
    const name = database.writer.change('INSERT INTO log SELECT ? WHERE NOT EXISTS (SELECT * FROM log)');
    await database.write(() => () => name.run(randomUUID()));
    return new SqliteEventStore(database, clock ?? new SystemClock());
  }

  /** @throws RangeError no events, or a name with a NUL, which the driver cuts off when reading */
  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    if (events.length === 0) throw new RangeError('An append needs an event');
    if (stream.includes('\0')) throw new RangeError('The name of a stream must not hold a NUL');
    const written = events.map(toWritten);
    const { rows, ...appended } = await this.database.write(
      () => this.decide(stream, expected, written),
      (cause) => new OutcomeUnknown({ cause }),
    );
    this.newestEvents.appended(rows);
    this.watch.grown(fromPosition(appended.position));
    return appended;
  }

  override read(
    stream: string,
    { from = 0, limit }: { readonly from?: number; readonly limit?: number } = {},
  ): Promise<readonly RecordedEvent[]> {
    return this.database.read(() => this.streamFrom.all(stream, from, limit ?? -1).map(toRecorded));
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionMessage> {
    return followLog(this.pages, this.watch, options);
  }

  override async head(): Promise<Position | undefined> {
    const head = await this.pages.head();
    return head === 0 ? undefined : toPosition(head);
  }

  /** Nobody else writes to this log. */
  override end(): Promise<Position | undefined> {
    return this.head();
  }

  override logId(): Promise<string> {
    return this.database.read(() => {
      const row = this.database.reader.query<[string]>('SELECT id FROM log').get();
      if (row === undefined) throw new Error('The log has lost its id');
      return row[0];
    });
  }

  override comparePositions(a: Position, b: Position): number {
    return fromPosition(a) - fromPosition(b);
  }

  override fraction(position: Position, head: Position): number {
    return Math.min(1, fromPosition(position) / Math.max(1, fromPosition(head)));
  }

  override eventsBetween(after: Position | undefined, upTo: Position): number {
    return Math.max(0, fromPosition(upTo) - (after === undefined ? 0 : fromPosition(after)));
  }

  override health(): Promise<void> {
    return this.database.health();
  }

  /** Subscriptions that still run end with StoreUnavailable. */
  async close(): Promise<void> {
    await this.database.close();
    this.watch.wake();
  }

  private decide(stream: string, expected: ExpectedRevision, events: readonly Written[]): () => Outcome {
    const before = expected === 'no_stream' ? -1 : expected;
    const revision = this.revisionOf.get(stream)?.[0] ?? -1;
    if (revision === before) return () => this.write(stream, before + 1, events);
    const earlier = revision > before ? this.resultOfTheSame(stream, before + 1, events) : undefined;
    if (earlier === undefined) throw new WrongExpectedRevision(stream, expected);
    return () => ({ ...earlier, rows: [] });
  }

  private write(stream: string, first: number, events: readonly Written[]): Outcome {
    const recordedAt = this.clock.now();
    let position = this.lastPosition.get()?.[0] ?? 0;
    const rows = events.map(({ id, type, data, metadata }, index): EventRow => {
      position += 1;
      const row = [position, stream, first + index, id, type, data, metadata, recordedAt] as const;
      this.insert.run(...row, rowChecksum(row));
      // What was just written is held as it is: there is nothing to check.
      return [...row, null];
    });
    return { revision: first + events.length - 1, position: toPosition(position), rows };
  }

  /** What the first append of just these events was answered; undefined when others stand in their place. */
  private resultOfTheSame(stream: string, first: number, events: readonly Written[]): Appended | undefined {
    let result: Appended | undefined;
    for (const [index, { id }] of events.entries()) {
      const place = this.placeOf.get(stream, first + index);
      if (place?.[0] !== id) return undefined;
      result = { revision: first + index, position: toPosition(place[1]) };
    }
    return result;
  }
}

function toWritten({ id, type, data, metadata }: EventToAppend): Written {
  return { id, type, data: toJson(data), metadata: toJson(metadata) };
}
