import { setTimeout as delay } from 'node:timers/promises';
import type { EventStoreDBClient } from '@eventstore/db-client';
import type { Clock } from '../../event-sourcing/clock.js';
import { within } from '../../event-sourcing/deadline.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { isOutage } from './client-errors.js';

/** So many in a row are no accident: some errors of a client never have it look for another node. */
const FAILURES = 5;
/** While the server is away a new client is no better than the last, and costs every subscription its connection. */
const REST_MS = 5_000;
const AGAIN_MS = 40;
const DISPOSE_MS = 2_000;

/** The one client of the process; given up for a new one when it has failed several times in a row. */
export class ClientSlot {
  private client: EventStoreDBClient;
  private failures = 0;
  private renewedAt: number;
  private closed = false;

  /** @param open @throws RangeError */
  constructor(
    private readonly open: () => EventStoreDBClient,
    private readonly clock: Clock,
  ) {
    this.client = open();
    this.renewedAt = clock.now() - REST_MS;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /**
   * For what lasts, such as a subscription; its calls end when the client is given up.
   * @throws StoreUnavailable closed
   */
  get current(): EventStoreDBClient {
    if (this.closed) throw new StoreUnavailable('event_log');
    return this.client;
  }

  /**
   * For a single call, which is made a second time when `again` says that its error allows it.
   * @throws StoreUnavailable closed; or what the work throws
   */
  async use<T>(work: (client: EventStoreDBClient) => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
    try {
      return await this.once(work);
    } catch (error) {
      if (this.closed || !again(error)) throw error;
      // The client gives a broken connection up a little later than it reports it.
      await delay(AGAIN_MS * (0.5 + Math.random() / 2));
      return this.once(work);
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await giveUp(this.client);
  }

  private async once<T>(work: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
    const client = this.current;
    try {
      const result = await work(client);
      this.failures = 0;
      return result;
    } catch (error) {
      if (!isOutage(error)) this.failures = 0;
      else this.failed(client);
      throw error;
    }
  }

  private failed(client: EventStoreDBClient): void {
    if (client !== this.client) return;
    this.failures += 1;
    if (this.failures < FAILURES || this.clock.now() - this.renewedAt < REST_MS || this.closed) return;
    this.failures = 0;
    this.renewedAt = this.clock.now();
    try {
      this.client = this.open();
    } catch {
      // A file that the URL names can't be read just now.
      return;
    }
    void giveUp(client);
  }
}

/** A client that hangs may hang in this, too. */
async function giveUp(client: EventStoreDBClient): Promise<void> {
  await within(DISPOSE_MS, client.dispose(), () => new Error('The client did not end')).catch(() => undefined);
}
