import type { EventStoreDBClient, ResolvedEvent, StreamingRead } from '@eventstore/db-client';
import { LogMismatch } from '../../event-sourcing/log-follower.js';
import type { Position } from '../../event-sourcing/event-store.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { isAbsent, isRemoved, readFailure } from './client-errors.js';
import { type KnownEvent, KnownEvents } from './known-events.js';
import type { LogIdentity } from './log-identity.js';
import { comparePositions, toPosition } from './log-positions.js';

/** While the log is another one, how often it is asked whether the right one is back. */
const ASK_AGAIN_MS = 1_000;
/** A connection that breaks while it is asked about is asked about again. */
const ATTEMPTS = 3;

export interface ContinuityParts {
  readonly identity: LogIdentity;
  /** How many connections were begun or lost so far: with another number than before the server may be another. */
  readonly connections: { readonly count: number };
  /** Not guarded by this very check. */
  readonly read: (
    call: (client: EventStoreDBClient) => StreamingRead<ResolvedEvent>,
    count: number,
  ) => Promise<readonly ResolvedEvent[]>;
  readonly end: () => Promise<Position | undefined>;
}

/**
 * Whether the server still has the log that this process began with: asked after each new connection, before anything is
 * read or appended. A log that was wiped has another identity; one that was put back to an earlier state lacks the newest
 * event that this process has seen there, or has another in its place.
 */
export class LogContinuity {
  readonly known = new KnownEvents();
  private verified = -1;
  private asking: Promise<void> | undefined;
  private mismatch: { readonly error: LogMismatch; readonly foundAt: number } | undefined;

  constructor(private readonly parts: ContinuityParts) {}

  get isSure(): boolean {
    return this.mismatch === undefined && this.verified === this.parts.connections.count;
  }

  /** @throws StoreUnavailable no answer; or another log, which its cause says */
  async ensure(): Promise<void> {
    if (this.isSure) return;
    const { mismatch } = this;
    if (!this.parts.identity.isKnown && this.known.end === undefined) {
      // Whatever log this is, it is the one that this process begins with.
      this.verified = this.parts.connections.count;
      return;
    }
    const sinceMs = mismatch === undefined ? Infinity : performance.now() - mismatch.foundAt;
    if (mismatch !== undefined && sinceMs < ASK_AGAIN_MS) throw refusal(mismatch.error);
    try {
      await this.askOnce();
    } catch (error) {
      throw error instanceof LogMismatch ? refusal(error) : error;
    }
  }

  /**
   * Asks in any case.
   * @throws LogMismatch
   * @throws StoreUnavailable no answer
   */
  async verify(): Promise<void> {
    await this.parts.identity.id();
    await this.askOnce();
  }

  private askOnce(): Promise<void> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(): Promise<void> {
    const { connections, identity } = this.parts;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const isAnother = await identity.isAnother();
      // The first answer came over the connection that this counts: to ask for it is what begins one.
      const { count } = connections;
      const difference = isAnother ? 'it has another id' : await this.difference();
      if (difference !== undefined) throw this.refuse(difference);
      this.mismatch = undefined;
      if (connections.count !== count) continue;
      this.verified = count;
      return;
    }
    throw new StoreUnavailable('event_log');
  }

  private refuse(difference: string): LogMismatch {
    const error = new LogMismatch(
      `The event log is another log than the one this process began with (${difference}). ` +
        'Was it wiped or restored? Nothing is read or written until the right one is back',
    );
    this.mismatch = { error, foundAt: performance.now() };
    return error;
  }

  /** Undefined when the log holds what was seen in it. */
  private async difference(): Promise<string | undefined> {
    for (const event of this.known.newestFirst) {
      const found = await this.find(event);
      if (found === 'removed') continue;
      return found === 'there' ? undefined : found;
    }
    const { end } = this.known;
    if (end === undefined) return undefined;
    const present = await this.parts.end();
    return present === undefined || comparePositions(present, end) < 0 ? ENDS_BEFORE : undefined;
  }

  /** `removed`: its stream was deleted or cut by an operator, which says nothing about the log. */
  private async find(event: KnownEvent): Promise<string> {
    const { stream, revision } = event;
    const options = { fromRevision: BigInt(revision), maxCount: 1, requiresLeader: true };
    try {
      const [found] = await this.parts.read((client) => client.readStream(stream, options), 1);
      return found?.event === undefined ? ENDS_BEFORE : comparedWith(event, found.event);
    } catch (error) {
      if (isRemoved(error)) return 'removed';
      if (!isAbsent(error)) throw readFailure(error);
      return (await this.wasDeleted(stream)) ? 'removed' : ENDS_BEFORE;
    }
  }

  /** A stream that was deleted softly reads like one that never was; its own metadata say when it begins again. */
  private async wasDeleted(stream: string): Promise<boolean> {
    try {
      const options = { maxCount: 1, requiresLeader: true };
      return (await this.parts.read((client) => client.readStream(`$$${stream}`, options), 1)).length > 0;
    } catch (error) {
      if (isAbsent(error)) return false;
      if (isRemoved(error)) return true;
      throw readFailure(error);
    }
  }
}

const ENDS_BEFORE = 'it ends before what was seen there';
const OTHER_EVENT = 'another event stands where one was seen';

function comparedWith(known: KnownEvent, found: NonNullable<ResolvedEvent['event']>): string {
  // The stream was cut: what is left of it begins after the event.
  if (Number(found.revision) > known.revision) return 'removed';
  const isSame = found.id === known.id && (!found.position || toPosition(found.position) === known.position);
  return isSame ? 'there' : OTHER_EVENT;
}

const refusal = (cause: LogMismatch): StoreUnavailable => new StoreUnavailable('event_log', { cause });
