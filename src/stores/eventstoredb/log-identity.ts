import { randomUUID } from 'node:crypto';
import {
  type EventStoreDBClient,
  jsonEvent,
  NO_STREAM,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import { within } from '../../event-sourcing/deadline.js';
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

  get isKnown(): boolean {
    return this.known !== undefined;
  }

  /**
   * Whether the server has another log by now than when it was asked first; false while nobody has asked.
   * @throws StoreUnavailable
   */
  async isAnother(): Promise<boolean> {
    return this.known !== undefined && (await this.find()) !== this.known;
  }

  private async find(): Promise<string | undefined> {
    try {
      const read = (client: EventStoreDBClient): StreamingRead<ResolvedEvent> =>
        client.readStream(STREAM, { maxCount: 1, requiresLeader: true });
      const [first] = await readWhole(this.slot, this.timeouts.readMs, read, 1, 'unguarded');
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
      await this.slot.unguarded(name, failedBeforeSending);
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
