import { setTimeout as delay } from 'node:timers/promises';
import { batches } from '../event-sourcing/batches.js';
import type { EventStore, Position } from '../event-sourcing/event-store.js';
import type { AuditTree } from './audit-tree.js';
import { AUDITED_PREFIXES, TreeFollower, TreeOvertaken } from './tree-follower.js';

const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 100;
const BATCH = 500;

type Log = Pick<EventStore, 'comparePositions' | 'subscribe'>;

/**
 * Resolves once everything up to `head` is in the tree: brought there by the service, if one runs, else by this. Both at
 * once do no harm: the tree takes each leaf once.
 * @throws StoreUnavailable, MalformedEvent
 */
export async function catchUpTree(
  store: Log,
  tree: AuditTree,
  head: Position,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const position = await lastPosition(tree);
    if (position !== undefined && store.comparePositions(position, head) >= 0) return;
    if (performance.now() < giveUpAt) {
      await delay(LOOK_EVERY_MS);
      continue;
    }
    try {
      await addLeaves(store, tree, position);
      return;
    } catch (error) {
      if (!(error instanceof TreeOvertaken)) throw error;
    }
  }
}

async function lastPosition(tree: AuditTree): Promise<Position | undefined> {
  const size = await tree.size();
  return size === 0 ? undefined : (await tree.leaves(size - 1, 1))[0]?.position;
}

async function addLeaves(store: Log, tree: AuditTree, after: Position | undefined): Promise<void> {
  const follower = new TreeFollower(store, tree);
  const end = new AbortController();
  try {
    const subscription = store.subscribe({ after, prefixes: AUDITED_PREFIXES, signal: end.signal });
    for await (const { events, caughtUp } of batches(subscription, BATCH)) {
      await follower.handle(events);
      if (caughtUp) return;
    }
  } finally {
    end.abort();
  }
}
