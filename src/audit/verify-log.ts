import { batches } from '../event-sourcing/batches.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import { AUDITED_PREFIXES } from './tree-follower.js';
import type { Findings } from './verify-findings.js';

const BATCH = 500;

type ReadLog = Pick<EventStore, 'subscribe' | 'comparePositions'>;

/** The audited events up to `head`, in order. What can't be read is named, and the way goes on behind it. */
export async function* readAudited(
  store: ReadLog,
  head: Position,
  findings: Findings,
): AsyncGenerator<readonly RecordedEvent[]> {
  const end = new AbortController();
  const isIn = ({ position }: RecordedEvent): boolean => store.comparePositions(position, head) <= 0;
  try {
    const subscription = store.subscribe({ after: undefined, prefixes: AUDITED_PREFIXES, signal: end.signal });
    for await (const { events, caughtUp, position } of batches(subscription, BATCH)) {
      const wanted = events.filter(isIn);
      for (const event of wanted) if (event.unreadable === true) tellUnreadable(event, findings);
      if (wanted.length > 0) yield wanted;
      const isPast = position !== undefined && store.comparePositions(position, head) >= 0;
      if (caughtUp || isPast) return;
    }
  } finally {
    end.abort();
  }
}

function tellUnreadable({ stream, revision, id: eventId }: RecordedEvent, findings: Findings): void {
  const message = 'The event can not be read: what is stored is no event any more';
  findings.add('unreadable', message, { stream, revision, eventId });
}
