import { setTimeout as delay } from 'node:timers/promises';
import { appendOnce } from './append-once.js';
import type { Clock } from './clock.js';
import { within } from './deadline.js';
import { chain, type EventDraft, readMetadata } from './envelope.js';
import {
  type EventStore,
  type Position,
  type RecordedEvent,
  type StreamEvent,
  WrongExpectedRevision,
} from './event-store.js';
import { StoreUnavailable } from './store-errors.js';

/** Thrown while deciding: another store already knows of events that were not in the history. Read it again. */
export class HistoryMovedOn extends Error {
  override readonly name = 'HistoryMovedOn';
}

export interface Execution<D> {
  /** What the decision was made from. */
  readonly history: readonly RecordedEvent[];
  readonly decision: D;
  /** Empty when there was nothing to do. */
  readonly appended: readonly StreamEvent[];
  /** Of the last event appended. */
  readonly position?: Position;
}

export interface CommandOn<D extends { readonly drafts: readonly EventDraft[] }> {
  readonly stream: string;
  /** Milliseconds since the epoch: over reading, appending and finding out. */
  readonly deadline: number;
  /** Try first as if the stream were absent, without reading it. */
  readonly expectNew: boolean;
  /** Made anew from a fresh history after each conflict; what it throws is the refusal. */
  readonly decide: (history: readonly RecordedEvent[]) => Promise<D>;
}

/**
 * One command, one atomic append: read the stream, decide, append at the revision read. A conflict reads and decides
 * again, with jitter, as long as the budget lasts.
 * @throws StoreUnavailable nothing was done (also when others were faster until the end of the budget)
 * @throws OutcomeUnknown it is wholly done or not at all
 */
export async function execute<D extends { readonly drafts: readonly EventDraft[] }>(
  store: EventStore,
  clock: Clock,
  command: CommandOn<D>,
): Promise<Execution<D>> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const skipRead = command.expectNew && attempt === 0;
      const history = skipRead ? [] : await readInTime(store, clock, command.stream, command.deadline);
      const decision = await command.decide(history);
      if (decision.drafts.length === 0) return { history, decision, appended: [] };
      const appended = chain(command.stream, lastOf(history), decision.drafts);
      const { position } = await appendOnce(store, clock, appended, command.deadline);
      return { history, decision, appended, position };
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision || error instanceof HistoryMovedOn)) throw error;
      if (clock.now() >= command.deadline) throw new StoreUnavailable('event_log', { cause: error });
      if (attempt > 0) await delay(Math.random() * Math.min(2 ** attempt, 50));
    }
  }
}

export function readInTime(
  store: EventStore,
  clock: Clock,
  stream: string,
  deadline: number,
): Promise<readonly RecordedEvent[]> {
  return within(deadline - clock.now(), store.read(stream), () => new StoreUnavailable('event_log'));
}

function lastOf(history: readonly RecordedEvent[]): { readonly revision: number; readonly hash: string } | undefined {
  const last = history.at(-1);
  return last && { revision: last.revision, hash: readMetadata(last).hash };
}
