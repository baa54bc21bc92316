import { randomUUID } from 'node:crypto';
import type { EventStore, EventToAppend, JsonObject, Position } from '../../src/event-sourcing/event-store.js';
import { Followed } from './followed.js';
import type { Harness } from './harness.js';

/** Its log may hold events of others: each test keeps to streams of its own. */
export interface EventStoreHarness extends Harness<EventStore> {
  /** A position that the log has not reached. */
  readonly beyondTheEnd: Position;
}

/** A log, with names that no other test has and subscriptions that end with the test. */
export class LogUnderTest {
  readonly prefix = `test${randomUUID()}-`;
  readonly stream = `${this.prefix}1`;
  private readonly following: Followed[] = [];

  constructor(readonly harness: EventStoreHarness) {}

  get store(): EventStore {
    return this.harness.port;
  }

  follow(prefixes: readonly string[] = [this.prefix], after?: Position): Followed {
    const followed = new Followed(this.store, prefixes, after);
    this.following.push(followed);
    return followed;
  }

  async close(): Promise<void> {
    await Promise.all(this.following.map((followed) => followed.stop()));
    await this.harness.close();
  }
}

export const event = (data: JsonObject = {}, metadata: JsonObject = {}): EventToAppend => ({
  id: randomUUID(),
  type: 'SomethingHappened',
  data,
  metadata,
});

export const events = (count: number): EventToAppend[] => Array.from({ length: count }, (_, n) => event({ n }));
