import { type Db, MongoClient, type MongoClientOptions, type MongoOptions, type ServerDescription } from 'mongodb';
import { within } from '../../event-sourcing/deadline.js';
import type { StoreName } from '../../event-sourcing/store-errors.js';
import { UrlRefused } from '../url-refused.js';
import { passing, translate } from './driver-errors.js';
import { ClosedMeanwhile, KnownToBeGone, NoAnswerInTime, NotThePrimary } from './operation-errors.js';
import { KnownOutage } from './known-outage.js';
import { optionsIn } from './url-options.js';

/** A request makes two or three operations, and is answered within 5 s. */
const OPERATION_MS = 2_000;
/** Making collections and indexes, at start and at the start of a rebuild. */
export const SETUP_MS = 15_000;
const CLOSE_MS = 2_000;

/** Where the address does not say otherwise. */
const defaultsFor = (operationMs: number) => ({
  appName: 'customers',
  maxPoolSize: 30,
  // A connection that a firewall forgot in silence is not met by a request.
  maxIdleTimeMS: 60_000,
  // Each below the time of an operation, so that mostly the driver says what is wrong.
  serverSelectionTimeoutMS: 0.75 * operationMs,
  connectTimeoutMS: 1_500,
  waitQueueTimeoutMS: 0.75 * operationMs,
  wtimeoutMS: 0.75 * operationMs,
  // Frees the connection of an operation that nobody waits for any more. That long for the sake of indexes.
  socketTimeoutMS: 10_000,
  // A black hole is noticed, and its connections are given up, after this and `connectTimeoutMS`; a return after this.
  heartbeatFrequencyMS: 2_000,
  // A repeat after an election or a lost connection, within the time of an operation. Safe: the server knows a repeated write by its
  // number; where there is none (standalone, look-alikes) the driver itself does not repeat writes.
  retryReads: true,
  retryWrites: true,
});

/** Whatever the address says: `url-options.ts` refuses one that says otherwise. */
const ALWAYS = {
  // A secondary shows what was, and a write that one node has may be rolled back. What is read must not be either: the
  // projector passes over what it sees, and a key seen is used to seal.
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', journal: true },
  ignoreUndefined: true,
  // A 64-bit integer, as other clients write them, comes back as a number.
  promoteLongs: true,
  promoteValues: true,
  useBigInt64: false,
} as const;

function optionsFor(url: string, operationMs: number): MongoClientOptions {
  const defaults: MongoClientOptions = defaultsFor(operationMs);
  for (const name of optionsIn(url, operationMs)) if (isOption(defaults, name)) delete defaults[name];
  return { ...defaults, ...ALWAYS };
}

const isOption = (options: MongoClientOptions, name: string): name is keyof MongoClientOptions => name in options;

export interface MongoConnectionOptions {
  readonly url: string;
  /** Where the path of the address names none. */
  readonly defaultDatabase: string;
  /** The most that a caller waits for one operation; {@link OPERATION_MS} unless the server is known to be slow. */
  readonly operationMs?: number;
}

/**
 * One client of one database. Whatever goes through {@link run} ends within a bounded time, with an answer or as
 * StoreUnavailable; `timeoutMS` of the driver (7.9) bounds nothing.
 */
export class MongoConnection {
  private readonly client: MongoClient;
  private readonly db: Db;
  private readonly outage = new KnownOutage();
  /** The most that a caller waits for an operation. */
  readonly operationMs: number;
  private broken = 0;
  private closed = false;
  /** Connected to one member of a set, which is not the primary at the moment. */
  private demoted = false;

  /**
   * Connects with the first operation.
   * @throws UrlRefused the address is none, or has an option that is refused; it is not repeated, since it may hold a password
   */
  constructor({ url, defaultDatabase, operationMs = OPERATION_MS }: MongoConnectionOptions) {
    this.operationMs = operationMs;
    const options = optionsFor(url, operationMs);
    try {
      this.client = new MongoClient(url, options);
      this.db = this.client.db(databaseIn(url) ?? defaultDatabase);
    } catch {
      throw new UrlRefused('The hosts, the user, the path and the options of this address do not go together');
    }
    const broke = (): void => {
      this.broken += 1;
    };
    this.client.on('connectionPoolCleared', broke);
    this.client.on('connectionClosed', ({ reason }) => {
      if (reason === 'error') broke();
    });
    this.client.on('serverDescriptionChanged', ({ previousDescription, newDescription }) => {
      if (isWritable(previousDescription) && previousDescription.type !== newDescription.type) broke();
      this.demoted = this.client.options.directConnection && isMemberInWaiting(newDescription);
    });
  }

  /** What the driver goes by. */
  get options(): Readonly<MongoOptions> {
    return this.client.options;
  }

  /** How often the way to the server broke so far, as the driver noticed or an operation found. */
  get interruptions(): number {
    return this.broken;
  }

  /**
   * @param ms the most that the caller waits; the work may be carried out later all the same
   * @throws StoreUnavailable
   * @throws RefusedByServer
   */
  async run<T>(store: StoreName, work: (db: Db) => Promise<T>, ms = this.operationMs): Promise<T> {
    this.requireHope(store);
    const attempt = this.outage.begin();
    try {
      const answer = await within(ms, work(this.db), () => new NoAnswerInTime());
      this.requireWholeAnswer();
      attempt.answered();
      return answer;
    } catch (error) {
      const reach = passing(error);
      if (reach !== undefined) this.broken += 1;
      if (error instanceof NoAnswerInTime) attempt.timedOut();
      else if (reach === 'away') attempt.unreachable();
      else attempt.answered();
      throw translate(error, store);
    }
  }

  /**
   * The driver ends a cursor that is closed with its client like one that was read to its end; and of the one server that
   * `directConnection` names it reads whatever that has become.
   */
  private requireWholeAnswer(): void {
    if (this.closed) throw new ClosedMeanwhile();
    if (this.demoted) throw new NotThePrimary();
  }

  /** @throws StoreUnavailable the server is known to be gone, and another is trying it, or has just done so */
  requireHope(store: StoreName): void {
    if (this.outage.forbids) throw translate(new KnownToBeGone(), store);
  }

  /** @throws StoreUnavailable */
  async ping(store: StoreName): Promise<void> {
    await this.run(store, (db) => db.command({ ping: 1 }));
  }

  /** Operations under way fail. Bounded too: the driver takes leave of a server that may be gone. */
  async close(): Promise<void> {
    this.closed = true;
    await within(CLOSE_MS, this.client.close(), () => new NoAnswerInTime()).catch(() => undefined);
  }
}

const isWritable = ({ type }: ServerDescription): boolean =>
  type === 'Standalone' || type === 'RSPrimary' || type === 'Mongos' || type === 'LoadBalancer';

const isMemberInWaiting = ({ type }: ServerDescription): boolean =>
  type === 'RSSecondary' || type === 'RSArbiter' || type === 'RSOther' || type === 'RSGhost';

/** The driver itself takes "test" where none is named. */
function databaseIn(url: string): string | undefined {
  const name = /^mongodb(?:\+srv)?:\/\/[^/?]*\/([^/?]+)/.exec(url)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}
