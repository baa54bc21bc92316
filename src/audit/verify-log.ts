import { batches } from '../event-sourcing/batches.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import type { AuditLeaf, AuditTree } from './audit-tree.js';
import { AUDITED_PREFIXES } from './tree-follower.js';
import { named } from './verify-alignment.js';
import type { Findings } from './verify-findings.js';

const BATCH = 500;

type ReadLog = Pick<EventStore, 'subscribe' | 'read' | 'comparePositions'>;

/**
 * The audited events up to `head`, in order. Where the log can't be read at all, the events that the tree knows there are
 * read one by one: what can't is named, and the way goes on behind it.
 */
export async function* readAudited(
  store: ReadLog,
  tree: Pick<AuditTree, 'leaves'>,
  head: Position,
  findings: Findings,
): AsyncGenerator<readonly RecordedEvent[]> {
  let after: Position | undefined;
  let seen = 0;
  for (;;) {
    try {
      for await (const events of readFrom(store, after, head)) {
        seen += events.length;
        after = events.at(-1)?.position ?? after;
        yield events;
      }
      return;
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      const leaves = await leavesBehind(store, tree, after, seen);
      const last = leaves.at(-1);
      if (last === undefined) {
        findings.add('unreadable', 'The log holds something behind the last event of the tree that can not be read');
        return;
      }
      yield await readOneByOne(store, leaves, findings);
      after = last.position;
    }
  }
}

async function* readFrom(
  store: ReadLog,
  after: Position | undefined,
  head: Position,
): AsyncGenerator<readonly RecordedEvent[]> {
  const end = new AbortController();
  const isIn = ({ position }: RecordedEvent): boolean => store.comparePositions(position, head) <= 0;
  try {
    const subscription = store.subscribe({ after, prefixes: AUDITED_PREFIXES, signal: end.signal });
    for await (const { events, caughtUp, position } of batches(subscription, BATCH)) {
      const wanted = events.filter(isIn);
      if (wanted.length > 0) yield wanted;
      const isPast = position !== undefined && store.comparePositions(position, head) >= 0;
      if (caughtUp || isPast) return;
    }
  } finally {
    end.abort();
  }
}

/** The leaves of one batch behind a position; about so many leaves lie before it. */
async function leavesBehind(
  store: ReadLog,
  tree: Pick<AuditTree, 'leaves'>,
  after: Position | undefined,
  about: number,
): Promise<readonly AuditLeaf[]> {
  for (let from = Math.max(0, about - BATCH); ; from += BATCH) {
    const page = await tree.leaves(from, BATCH);
    const behind = page.filter(({ position }) => after === undefined || store.comparePositions(position, after) > 0);
    if (behind.length > 0 || page.length === 0) return behind;
  }
}

async function readOneByOne(
  store: ReadLog,
  leaves: readonly AuditLeaf[],
  findings: Findings,
): Promise<readonly RecordedEvent[]> {
  const read: RecordedEvent[] = [];
  for (const leaf of leaves) {
    try {
      const [event] = await store.read(leaf.stream, { from: leaf.revision, limit: 1 });
      if (event !== undefined) read.push(event);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      findings.add('unreadable', 'The event can not be read: what is stored is no event any more', named(leaf));
    }
  }
  return read;
}
