import { NoAnswer } from '../../src/stores/eventstoredb/client-errors.js';
import { ClientSlot } from '../../src/stores/eventstoredb/client-slot.js';
import {
  EventStoreDbEventStore,
  type EventStoreDbTimeouts,
} from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { LogContinuity } from '../../src/stores/eventstoredb/log-continuity.js';
import { openClient } from '../../src/stores/eventstoredb/mended-client.js';
import { TestClock } from './test-clock.js';
import { until } from './eventstoredb-server/raw-client.js';
import type { EventStoreDbServer } from './eventstoredb-server/server.js';

/** Long: what a test of this waits for is no time-out. */
const TIMEOUTS: EventStoreDbTimeouts = { appendMs: 20_000, readMs: 20_000, healthMs: 20_000, outageMs: 20_000 };
/** A client is given up no more often than this. */
const REST_MS = 5_000;

interface Read {
  readonly of: string;
  readonly after: number;
  readonly nth?: number;
}

/** A store whose client is given up when a test says so, in the midst of what it does. */
export class GivenUpClient {
  readonly store: EventStoreDbEventStore;
  private readonly slot: ClientSlot;
  private readonly clock = new TestClock();

  constructor(
    private readonly server: EventStoreDbServer,
    prefixes: readonly string[],
  ) {
    const continuity = new LogContinuity(TIMEOUTS.readMs);
    const { clock } = this;
    this.slot = new ClientSlot(() => openClient(server.url, TIMEOUTS.appendMs, continuity), clock);
    this.store = new EventStoreDbEventStore({ slot: this.slot, continuity, prefixes, clock, timeouts: TIMEOUTS });
  }

  /** As after five calls in a row to which nothing was answered. */
  async giveUp(): Promise<void> {
    const before = this.slot.current;
    this.clock.advance(REST_MS);
    const failing = (): Promise<unknown> =>
      this.slot.use(
        () => Promise.reject(new NoAnswer()),
        () => false,
      );
    while (this.slot.current === before) await failing().catch(() => undefined);
  }

  /** Does it, and gives the client up once a read (the nth of a stream, or of `$all`) has sent so many events and hangs. */
  async during<T>({ of, after, nth = 1 }: Read, work: () => Promise<T>): Promise<T> {
    const { faults } = this.server;
    faults.hangNextReadAfter(after, of, nth);
    const done = work();
    // Its failure is told by what it is awaited with.
    done.catch(() => undefined);
    await until(() => faults.rests.held === 1);
    // Answers keep their order on a connection: what the read had sent is here after this.
    await this.store.end();
    await this.giveUp();
    const result = await done.finally(() => faults.release());
    return result;
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
