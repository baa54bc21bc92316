import {
  type AllStreamResolvedEvent,
  BACKWARDS,
  END,
  type EventStoreDBClient,
  type ReadPosition,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import type { Position, RecordedEvent, SubscriptionMessage } from '../../event-sourcing/event-store.js';
import { CutShort, isAbsent, isBroken, NoAnswer, readFailure, streamFailure } from './client-errors.js';
import type { ClientSlot } from './client-slot.js';
import { toRecorded } from './event-messages.js';
import { liveMessages } from './live-messages.js';
import { readWhole } from './reading.js';

/**
 * Reads that come to an end, each within its time. From the leader: another node may not have yet what this very process has
 * appended.
 */
export class LogReader {
  /**
   * @param readMs round each read; of one that goes on, how long the server may say nothing
   * @param saw hears of the newest event of each page
   */
  constructor(
    private readonly slot: ClientSlot,
    private readonly readMs: number,
    private readonly prefixes: readonly string[],
    private readonly saw: (event: RecordedEvent) => void = () => undefined,
  ) {}

  /** At most so many events of a stream; none of one that is absent. @throws StoreUnavailable, StreamDamaged */
  async page(stream: string, from: number, maxCount: number): Promise<readonly RecordedEvent[]> {
    const options = { fromRevision: BigInt(from), maxCount, requiresLeader: true };
    const read = (client: EventStoreDBClient): StreamingRead<ResolvedEvent> => client.readStream(stream, options);
    try {
      const page = (await readWhole(this.slot, this.readMs, read, maxCount)).map(toRecorded);
      const last = page.at(-1);
      if (last !== undefined) this.saw(last);
      return page;
    } catch (error) {
      if (isAbsent(error)) return [];
      throw streamFailure(error, stream);
    }
  }

  /** The data of the newest event of a stream; undefined of one that is absent. @throws StoreUnavailable, StreamDamaged */
  async newestData(stream: string): Promise<unknown> {
    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, requiresLeader: true } as const;
    const read = (client: EventStoreDBClient): StreamingRead<ResolvedEvent> => client.readStream(stream, options);
    try {
      return (await readWhole(this.slot, this.readMs, read, 1))[0]?.event?.data;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw streamFailure(error, stream);
    }
  }

  /** So many events before a place, newest first, whoever wrote them. @throws StoreUnavailable */
  async backwards(fromPosition: ReadPosition, maxCount: number): Promise<readonly AllStreamResolvedEvent[]> {
    const options = { direction: BACKWARDS, fromPosition, maxCount, requiresLeader: true } as const;
    try {
      return await readWhole(this.slot, this.readMs, (client) => client.readAll(options), maxCount);
    } catch (error) {
      throw readFailure(error);
    }
  }

  /**
   * Hands out what is the service's own after a place, and marks; resolves once all is handed out that was in the log. The
   * place is asked for again when the connection breaks, once. @throws StoreUnavailable
   */
  async catchUp(after: () => Position | undefined, take: (message: SubscriptionMessage) => void): Promise<void> {
    try {
      await this.slot.use((client) => this.messages(client, after(), take), isBroken);
    } catch (error) {
      throw readFailure(error);
    }
  }

  private async messages(
    client: EventStoreDBClient,
    after: Position | undefined,
    take: (message: SubscriptionMessage) => void,
  ): Promise<void> {
    const end = new AbortController();
    const { signal } = end;
    const silence = setTimeout(() => end.abort(), this.readMs);
    const connecting = { after, prefixes: this.prefixes, patienceMs: this.readMs, signal };
    try {
      for await (const message of liveMessages(client, connecting)) {
        if (message.kind === 'caught_up') return;
        take(message);
        silence.refresh();
      }
      throw new CutShort();
    } catch (error) {
      throw signal.aborted ? new NoAnswer() : error;
    } finally {
      clearTimeout(silence);
    }
  }
}
