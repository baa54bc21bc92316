import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import { execute, type Execution } from '../../src/event-sourcing/command-execution.js';
import type { EventDraft } from '../../src/event-sourcing/envelope.js';
import type { Position } from '../../src/event-sourcing/event-store.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import {
  type EventStoreDbEventStore,
  type EventStoreDbTimeouts,
  openEventStoreDb,
} from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { Followed } from '../contracts/followed.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import type { Recorded } from '../support/eventstoredb-server/recorded-log.js';
import { draft } from './kernel-faulty-log.js';

/** Short, so that a fault that is waited out costs little; what the service really waits has a test of its own. */
export const SHORT: EventStoreDbTimeouts = { appendMs: 500, readMs: 500, healthMs: 500, outageMs: 5_000 };
/** Of a command, in milliseconds. */
export const BUDGET_MS = 4_000;
export const PREFIXES = ['customer-', 'source-'];
const PATIENCE_MS = 30_000;

type Command = Execution<{ readonly drafts: readonly EventDraft[] }>;

/** A server, and the adapter as the service uses it. */
export class World {
  readonly clock = new SystemClock();
  readonly stream = `customer-${randomUUID()}`;
  private readonly stores: EventStoreDbEventStore[] = [];
  private readonly following: Followed[] = [];

  private constructor(
    readonly server: EventStoreDbServer,
    timeouts: Partial<EventStoreDbTimeouts>,
  ) {
    this.store = this.open(timeouts);
  }

  readonly store: EventStoreDbEventStore;

  /** Resolves once the client is loaded and connected: that takes what it takes, and is not what is waited for here. */
  static async begin(timeouts: Partial<EventStoreDbTimeouts> = SHORT): Promise<World> {
    const world = new World(await EventStoreDbServer.start(), timeouts);
    await untilDone(() => world.store.read(world.stream));
    return world;
  }

  /** As another process does. */
  open(timeouts: Partial<EventStoreDbTimeouts> = SHORT): EventStoreDbEventStore {
    const store = openEventStoreDb({ url: this.server.url, prefixes: PREFIXES, timeouts });
    this.stores.push(store);
    return store;
  }

  async end(): Promise<void> {
    this.server.faults.lift();
    this.server.wire.thaw();
    await Promise.all(this.following.map((followed) => followed.stop()));
    for (const store of this.stores) await store.close();
    await this.server.stop();
  }

  /** A command that appends two events. */
  run({ stream = this.stream, budgetMs = BUDGET_MS, text = '' } = {}): Promise<Command> {
    return execute(this.store, this.clock, {
      stream,
      deadline: this.clock.now() + budgetMs,
      expectNew: false,
      decide: async () => ({ drafts: [draft('Happened', { text }), draft('Happened')] }),
    });
  }

  /** What the server has of a stream, whatever the adapter says. */
  stored(stream = this.stream): readonly Recorded[] {
    return this.server.log.stream(stream);
  }

  follow(after?: Position, store = this.store): Followed {
    const followed = new Followed(store, PREFIXES, after);
    this.following.push(followed);
    return followed;
  }
}

/** How a command ended, as its caller is told. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof StoreUnavailable) return `${error.store} unavailable`;
    if (error instanceof OutcomeUnknown) return 'unknown';
    return error instanceof Error ? error.name : 'no error';
  }
}

/** Tries again as long as it is not done. Never without an end: a test that has failed would go on for ever. */
export async function untilDone(work: () => Promise<unknown>): Promise<void> {
  for (const due = performance.now() + PATIENCE_MS; ;) {
    const how = await outcome(work());
    if (how === 'done') return;
    if (performance.now() > due) throw new Error(`Not in time: ${how}`);
    await delay(2);
  }
}

/** In milliseconds. */
export async function timed(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work.catch(() => undefined);
  return performance.now() - begun;
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(2);
}
