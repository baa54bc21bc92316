import { randomUUID } from 'node:crypto';
import { type EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { within } from '../../event-sourcing/deadline.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { failedBeforeSending, isAbsent, isBroken, NoAnswer, readFailure } from './client-errors.js';
import type { ClientSlot } from './client-slot.js';
import { collect } from './reading.js';

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
    /** Hears the identity once it is known. */
    private readonly identified: (id: string) => void,
  ) {}

  get isKnown(): boolean {
    return this.known !== undefined;
  }

  /**
   * Remembered from the first time on, whatever log the server has by now.
   * @throws StoreUnavailable
   */
  async id(): Promise<string> {
    if (this.known === undefined) {
      this.known = (await this.find()) ?? (await this.give());
      this.identified(this.known);
    }
    return this.known;
  }

  private find(): Promise<string | undefined> {
    const read = (client: EventStoreDBClient): Promise<string | undefined> => identityIn(client, this.timeouts.readMs);
    return this.slot.use(read, isBroken).catch((error: unknown) => {
      throw readFailure(error);
    });
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

/** The identity that the log has now; undefined when it has none. @throws NoAnswer, or an error of the client */
export async function identityIn(client: EventStoreDBClient, ms: number): Promise<string | undefined> {
  try {
    const [first] = await collect(client.readStream(STREAM, { maxCount: 1, requiresLeader: true }), ms);
    return first?.event?.id;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

const named = (client: EventStoreDBClient, id: string): Promise<unknown> =>
  client.appendToStream(STREAM, jsonEvent({ id, type: 'LogNamed', data: {}, metadata: {} }), {
    expectedRevision: NO_STREAM,
  });
