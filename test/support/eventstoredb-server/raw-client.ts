import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { END, EventStoreDBClient } from '@eventstore/db-client';
import {
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  jsonEvent,
  type JSONEventData,
  type Position,
  streamNameFilter,
} from '@eventstore/db-client';

export const happened = (n = 0): JSONEventData => jsonEvent({ id: randomUUID(), type: 'Happened', data: { n } });
export const many = (count: number): JSONEventData[] => Array.from({ length: count }, (_, n) => happened(n));

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(2);
}

/** With credentials an append is a call of its own ("classic"), without them all share one ("batch"). */
export const PATHS = {
  batch: {},
  classic: { credentials: { username: 'admin', password: 'changeit' } },
} as const;

/** A subscription as the client gives it, with all that it says. */
export class Heard {
  readonly events: AllStreamResolvedEvent[] = [];
  readonly checkpoints: Position[] = [];
  readonly said: string[] = [];
  error: (Error & { code?: number; type?: string }) | undefined;
  readonly subscription: AllStreamSubscription;

  constructor(
    client: EventStoreDBClient,
    options: {
      prefix?: string;
      fromPosition?: Position | typeof END;
      maxSearchWindow?: number | undefined;
      taking?: boolean;
    } = {},
  ) {
    const { prefix = 'test-', fromPosition, maxSearchWindow, taking = true } = options;
    const checkpointReached = async (_: unknown, position: Position): Promise<void> => {
      this.checkpoints.push(position);
    };
    const window = maxSearchWindow === undefined ? {} : { maxSearchWindow };
    const filter = streamNameFilter({ prefixes: [prefix], checkpointReached, ...window });
    this.subscription = client.subscribeToAll({ filter, ...(fromPosition === undefined ? {} : { fromPosition }) });
    for (const name of ['confirmation', 'caughtUp', 'end', 'close'] as const) {
      this.subscription.on(name, () => this.said.push(name));
    }
    this.subscription.on('error', (error) => (this.error = error));
    if (taking) this.take();
  }

  take(): void {
    this.subscription.on('data', (event) => this.events.push(event));
  }

  get revisions(): number[] {
    return this.events.map(({ event }) => Number(event?.revision));
  }

  async untilEvents(count: number): Promise<this> {
    await until(() => this.events.length >= count);
    return this;
  }

  async untilSaid(what: string): Promise<this> {
    await until(() => this.said.includes(what));
    return this;
  }
}
