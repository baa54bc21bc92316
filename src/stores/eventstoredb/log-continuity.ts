import { BACKWARDS, END, type EventStoreDBClient } from '@eventstore/db-client';
import { within } from '../../event-sourcing/deadline.js';
import type { KnownEvent, Position } from '../../event-sourcing/event-store.js';
import { AnotherLog } from '../../event-sourcing/store-errors.js';
import { isRefused, NoAnswer } from './client-errors.js';
import { identityIn } from './log-identity.js';
import { comparePositions, fromPosition, toPosition } from './log-positions.js';
import { collect } from './reading.js';
import { standingAt } from './standing-events.js';
import type { ConnectionCheck } from './verified-connections.js';

/** An event of this log, with its position where that is known. */
export interface Witness extends KnownEvent {
  readonly position?: Position;
}

type Verdict = 'stands' | 'contradicted' | 'unknown';

/** Of different streams, so that one which an operator deletes leaves others. */
const WITNESSES = 8;
/** So many are asked at most, each only when the one before tells nothing. */
const ASKED = 4;
/** While the log is another one: how long the answer holds before somebody asks again. */
const HOLDS_MS = 1_000;

/**
 * Tells whether a connection leads to the log that this process works with. What the process knows of its log: the
 * identity, the newest events it has appended, read or received, and how far the log reached. Only a contradiction makes it
 * another log. Usually one or two small reads: the newest event at its position proves all before it.
 */
export class LogContinuity implements ConnectionCheck {
  private logId: string | undefined;
  /** The newest last. */
  private witnesses: readonly Witness[] = [];
  private reached: Position | undefined;
  private found: { readonly error: AnotherLog; readonly at: number } | undefined;

  /** @param ms for each read */
  constructor(private readonly ms: number) {}

  get anotherLog(): AnotherLog | undefined {
    return this.found?.error;
  }

  get isInDoubt(): boolean {
    return this.found !== undefined;
  }

  refuse(): void {
    if (this.found !== undefined && performance.now() - this.found.at < HOLDS_MS) throw this.found.error;
  }

  identify(logId: string): void {
    this.logId = logId;
  }

  reaches(position: Position): void {
    if (this.reached === undefined || comparePositions(position, this.reached) > 0) this.reached = position;
  }

  /** Kept if it is the newest so far, or no other is known of its stream. */
  saw(witness: Witness): void {
    const { position } = witness;
    if (position !== undefined) {
      if (this.reached !== undefined && comparePositions(position, this.reached) < 0) return;
      this.reached = position;
    }
    // Each of several subscriptions brings it.
    if (this.witnesses.at(-1)?.eventId === witness.eventId) return;
    const others = this.witnesses.filter(({ stream }) => stream !== witness.stream);
    this.witnesses =
      position === undefined ? [witness, ...others].slice(0, WITNESSES) : [...others, witness].slice(-WITNESSES);
  }

  async verify(client: EventStoreDBClient): Promise<void> {
    const reason = await within(this.ms, this.contradiction(client), () => new NoAnswer());
    this.found = reason === undefined ? undefined : { error: new AnotherLog(reason), at: performance.now() };
    if (this.found !== undefined) throw this.found.error;
  }

  private async contradiction(client: EventStoreDBClient): Promise<string | undefined> {
    const { logId, reached, witnesses } = this;
    for (const witness of [...witnesses].reverse().slice(0, ASKED)) {
      const verdict = await this.ask(client, witness);
      if (verdict === 'contradicted') return 'an event is missing that was there before';
      if (verdict === 'stands') return this.endsBefore(client, isAt(witness, reached) ? undefined : reached);
    }
    if (logId !== undefined && (await identityIn(client, this.ms)) !== logId) return 'it has another identity';
    return this.endsBefore(client, reached);
  }

  private async ask(client: EventStoreDBClient, witness: Witness): Promise<Verdict> {
    const { position } = witness;
    if (position !== undefined) {
      const verdict = await this.askAt(client, position, witness.eventId);
      if (verdict !== 'unknown') return verdict;
    }
    const found = await standingAt(client, witness, this.ms);
    if (found === 'removed') return 'unknown';
    return found?.eventId === witness.eventId && position === undefined ? 'stands' : 'contradicted';
  }

  /** `$all` keeps the events of a deleted stream until a scavenge, and shows the next event after that. */
  private async askAt(client: EventStoreDBClient, position: Position, eventId: string): Promise<Verdict> {
    const fromPositionOfEvent = fromPosition(position);
    try {
      const options = { fromPosition: fromPositionOfEvent, maxCount: 1, requiresLeader: true };
      const [found] = await collect(client.readAll(options), this.ms);
      if (found?.event === undefined) return (await this.endsBefore(client, position)) ? 'contradicted' : 'unknown';
      if (toPosition(found.event.position) !== position) return 'unknown';
      return found.event.id === eventId ? 'stands' : 'contradicted';
    } catch (error) {
      // No record begins there: the stream tells more.
      if (isRefused(error)) return 'unknown';
      throw error;
    }
  }

  private async endsBefore(client: EventStoreDBClient, reached: Position | undefined): Promise<string | undefined> {
    if (reached === undefined) return undefined;
    const options = { direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true } as const;
    const [last] = await collect(client.readAll(options), this.ms);
    const end = last?.event && toPosition(last.event.position);
    return end === undefined || comparePositions(end, reached) < 0 ? 'it ends before what was in it' : undefined;
  }
}

const isAt = ({ position }: Witness, reached: Position | undefined): boolean =>
  position !== undefined && reached !== undefined && comparePositions(position, reached) >= 0;
