import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './clock.js';
import { within } from './deadline.js';
import { type Appended, type EventStore, type StreamEvent, WrongExpectedRevision } from './event-store.js';
import { OutcomeUnknown, StoreUnavailable } from './store-errors.js';
import { StreamDamaged } from './stream-damage.js';

/** Kept back of the budget, so that a last look into the stream is still possible. */
const RESERVE_MS = 500;
/** An append with less than this left would only turn a plain refusal into an unknown outcome. */
const ATTEMPT_MS = 50;

/**
 * Appends events that already have their place in the stream, and finds out what became of them. After a lost answer the
 * very same append (ids and revision) is repeated, which the log takes as the first one; if the place was taken meanwhile,
 * the stream tells whether it was taken by these events.
 * @throws WrongExpectedRevision nothing of it was written
 * @throws StoreUnavailable nothing of it was written
 * @throws OutcomeUnknown still unknown at the deadline
 */
export async function appendOnce(
  store: EventStore,
  clock: Clock,
  events: readonly StreamEvent[],
  deadline: number,
): Promise<Appended> {
  const [first] = events;
  if (first === undefined) throw new RangeError('Nothing to append');
  const expected = first.revision === 0 ? 'no_stream' : first.revision - 1;
  let unknown: OutcomeUnknown | undefined;
  for (let attempt = 0; ; attempt += 1) {
    const left = deadline - clock.now() - RESERVE_MS;
    if (left < ATTEMPT_MS) throw unknown ?? new StoreUnavailable('event_log');
    try {
      const appended = await within(left, store.append(first.stream, expected, events), () => new OutcomeUnknown());
      return requirePlace(first, events.length, appended);
    } catch (error) {
      if (error instanceof OutcomeUnknown) unknown = error;
      else if (unknown === undefined) throw error;
      else if (error instanceof WrongExpectedRevision) return await findAppended(store, clock, events, deadline, error);
      else if (!(error instanceof StoreUnavailable)) throw error;
      if (clock.now() + RESERVE_MS >= deadline) throw unknown;
      await delay(Math.min(50 * 2 ** attempt, 400) * (0.5 + Math.random() / 2));
    }
  }
}

/** A log that begins a deleted stream anew goes on with its revisions: the events are not where they were hashed for. */
function requirePlace(first: StreamEvent, count: number, appended: Appended): Appended {
  if (appended.revision === first.revision + count - 1) return appended;
  throw new StreamDamaged(first.stream, 'removed');
}

async function findAppended(
  store: EventStore,
  clock: Clock,
  events: readonly StreamEvent[],
  deadline: number,
  conflict: WrongExpectedRevision,
): Promise<Appended> {
  const [first] = events;
  if (first === undefined) throw conflict;
  const left = deadline - clock.now();
  const read = store.read(first.stream, { from: first.revision, limit: events.length });
  const stored = await within(left, read, () => new OutcomeUnknown()).catch((error: unknown) => {
    throw error instanceof StoreUnavailable ? new OutcomeUnknown({ cause: error }) : error;
  });
  const last = stored.at(-1);
  if (last === undefined || stored[0]?.id !== first.id) throw conflict;
  return { revision: last.revision, position: last.position };
}
