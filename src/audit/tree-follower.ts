import { createHash } from 'node:crypto';
import { CUSTOMER_PREFIX } from '../customers/streams.js';
import { SOURCE_PREFIX } from '../customers/sources/source-events.js';
import { hashEvent } from '../event-sourcing/envelope.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import type { LogHandler } from '../event-sourcing/log-follower.js';
import { AUDIT_PREFIX } from './audit-events.js';
import type { AuditLeaf, AuditTree } from './audit-tree.js';
import { completeSubtrees } from './merkle.js';
import { MerkleFrontier } from './merkle-frontier.js';
import { leafHash, SHA256 } from './merkle-hashing.js';

export const AUDITED_PREFIXES = [CUSTOMER_PREFIX, SOURCE_PREFIX, AUDIT_PREFIX];

/** Another instance adds leaves: what this one knew of the tree is no longer so. It looks, and goes on. */
export class TreeOvertaken extends Error {
  override readonly name = 'TreeOvertaken';
}

interface Tail {
  readonly frontier: MerkleFrontier<Uint8Array>;
  readonly position: Position | undefined;
}

/** Makes every event a leaf, in the order of the log and once: what is handed in again is known by its position. */
export class TreeFollower implements LogHandler {
  readonly name = 'audit-tree';
  readonly prefixes = AUDITED_PREFIXES;
  private tail: Tail | undefined;

  constructor(
    private readonly store: Pick<EventStore, 'comparePositions'>,
    private readonly tree: AuditTree,
  ) {}

  checkpointName(): Promise<string> {
    return Promise.resolve(this.name);
  }

  /** @throws TreeOvertaken, StoreUnavailable */
  async handle(events: readonly RecordedEvent[]): Promise<void> {
    const { frontier, position } = this.tail ?? (await this.load());
    const fresh = events.filter(
      (event) => position === undefined || this.store.comparePositions(event.position, position) > 0,
    );
    const last = fresh.at(-1);
    if (last === undefined) return;
    // From here on until it is known to be written, what is remembered is not what is stored.
    this.tail = undefined;
    const leaves = fresh.map((event, at) => toLeaf(frontier.size + at, event));
    const nodes = leaves.flatMap(({ entry }) => frontier.add(leafHash(entry)));
    if (!(await this.tree.append(leaves, nodes))) throw new TreeOvertaken('Another instance adds leaves');
    this.tail = { frontier, position: last.position };
  }

  private async load(): Promise<Tail> {
    const size = await this.tree.size();
    const subtrees = await this.tree.nodes(completeSubtrees({ from: 0, to: size }));
    const [last] = size === 0 ? [] : await this.tree.leaves(size - 1, 1);
    return { frontier: MerkleFrontier.of(size, subtrees, SHA256), position: last?.position };
  }
}

const toLeaf = (index: number, event: RecordedEvent): AuditLeaf => ({
  index,
  eventId: event.id,
  stream: event.stream,
  revision: event.revision,
  position: event.position,
  entry: entryOf(event),
});

const HASH = /^[0-9a-f]{64}$/;

/** An event that carries no hash, for somebody altered or wrote it, is held as it stands: the tree goes on for all others. */
export function entryOf(event: RecordedEvent): Uint8Array {
  const { hash } = event.metadata;
  const told = typeof hash === 'string' && HASH.test(hash) ? hash : hashAsItStands(event);
  return new Uint8Array(Buffer.from(told, 'hex'));
}

function hashAsItStands(event: RecordedEvent): string {
  try {
    return hashEvent(event);
  } catch {
    // It holds what has no canonical form.
    return createHash('sha256').update(event.id).digest('hex');
  }
}
