import { randomUUID } from 'node:crypto';
import { type EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { within } from '../../event-sourcing/deadline.js';
import { LogMismatch } from '../../event-sourcing/log-follower.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { failedBeforeSending, isAbsent, NoAnswer, readFailure } from './client-errors.js';
import type { ClientSlot } from './client-slot.js';
import { readWhole } from './reading.js';

/** Begins with no prefix of the service's streams, so that it is never followed. */
const STREAM = 'customers-log';

/**
 * The name of a log: a random UUID in its first event of a stream of its own. A log that was wiped and filled again has
 * another, or none yet.
 */
export class LogIdentity {
  private known: string | undefined;
  private exchanged: LogMismatch | undefined;

  constructor(
    private readonly slot: ClientSlot,
    private readonly timeouts: { readonly appendMs: number; readonly readMs: number },
  ) {}

  /**
   * Remembered from the first time on, whatever log the server has by now.
   * @throws StoreUnavailable
   */
  async id(): Promise<string> {
    this.known ??= (await this.find()) ?? (await this.give());
    return this.known;
  }

  /**
   * Looks whether the server still has the log that this process began with.
   * @throws LogMismatch
   * @throws StoreUnavailable
   */
  async verify(): Promise<void> {
    if (this.known === undefined) {
      await this.id();
      return;
    }
    const found = await this.find();
    this.exchanged =
      found === this.known ? undefined : new LogMismatch('The event log was wiped or exchanged while the service ran');
    if (this.exchanged !== undefined) throw this.exchanged;
  }

  /** @throws StoreUnavailable the log was found to be another one: nothing of this process belongs in there */
  refuseAnother(): void {
    if (this.exchanged !== undefined) throw new StoreUnavailable('event_log', { cause: this.exchanged });
  }

  private async find(): Promise<string | undefined> {
    try {
      const [first] = await readWhole(this.slot, this.timeouts.readMs, (client) =>
        client.readStream(STREAM, { maxCount: 1, requiresLeader: true }),
      );
      return first?.event?.id;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw readFailure(error);
    }
  }

  private async give(): Promise<string> {
    const id = randomUUID();
    try {
      const name = (client: EventStoreDBClient): Promise<unknown> =>
        within(this.timeouts.appendMs, named(client, id), () => new NoAnswer());
      await this.slot.use(name, failedBeforeSending);
    } catch {
      // Another process may have been faster, or this was written without an answer: what stands there is the name.
    }
    const found = await this.find();
    if (found === undefined) throw new StoreUnavailable('event_log');
    return found;
  }
}

const named = (client: EventStoreDBClient, id: string): Promise<unknown> =>
  client.appendToStream(STREAM, jsonEvent({ id, type: 'LogNamed', data: {}, metadata: {} }), {
    expectedRevision: NO_STREAM,
  });
