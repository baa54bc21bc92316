import { AuditTree, type AuditLeaf, type SignedCheckpoint } from '../../src/audit/audit-tree.js';
import { MerkleFrontier, type TreeNode } from '../../src/audit/merkle-frontier.js';
import type { NodeRef } from '../../src/audit/merkle.js';
import { leafHash, SHA256 } from '../../src/audit/merkle-hashing.js';
import { AUDITED_PREFIXES, entryOf } from '../../src/audit/tree-follower.js';
import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { EventStore, Position, RecordedEvent, SubscriptionMessage } from '../../src/event-sourcing/event-store.js';

/** A log as a thief has it: a copy that can be changed at will, and read as any other. */
export class CopiedLog {
  /** @param unreadable ids of events whose row is no JSON any more */
  constructor(
    readonly events: readonly RecordedEvent[],
    private readonly unreadable: ReadonlySet<string> = new Set(),
  ) {}

  static async of(store: EventStore): Promise<CopiedLog> {
    const events: RecordedEvent[] = [];
    const end = new AbortController();
    for await (const message of store.subscribe({ prefixes: AUDITED_PREFIXES, signal: end.signal })) {
      if (message.kind === 'event') events.push(message.event);
      if (message.kind === 'caught_up') end.abort();
    }
    return new CopiedLog(events);
  }

  async *subscribe({ after }: { after?: Position | undefined }): AsyncGenerator<SubscriptionMessage> {
    for (const event of this.events) {
      if (after !== undefined && Number(event.position) <= Number(after)) continue;
      yield { kind: 'event', event: this.stored(event) };
    }
    yield { kind: 'caught_up' };
  }

  read(stream: string, { from = 0, limit = Infinity } = {}): Promise<readonly RecordedEvent[]> {
    const found = this.events.filter((event) => event.stream === stream && event.revision >= from);
    const wanted = found.sort((a, b) => a.revision - b.revision).slice(0, limit);
    return Promise.resolve(wanted.map((event) => this.stored(event)));
  }

  private stored(event: RecordedEvent): RecordedEvent {
    return this.unreadable.has(event.id) ? { ...event, data: {}, metadata: {}, unreadable: true } : event;
  }

  head(): Promise<Position | undefined> {
    return Promise.resolve(this.events.at(-1)?.position);
  }

  comparePositions = (a: Position, b: Position): number => Number(a) - Number(b);
  fraction = (): number => 1;
}

export class CopiedViews {
  private readonly byId: ReadonlyMap<string, CustomerView>;

  constructor(readonly views: readonly CustomerView[]) {
    this.byId = new Map(views.map((view) => [view.id, view]));
  }

  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, CustomerView>> {
    const found = ids.flatMap((id) => this.byId.get(id) ?? []);
    return Promise.resolve(new Map(found.map((view) => [view.id, view])));
  }

  ids(after = '', limit = Infinity): Promise<readonly string[]> {
    const ids = [...this.byId.keys()].filter((id) => id > after).sort();
    return Promise.resolve(ids.slice(0, limit));
  }
}

/** A tree in memory, as whoever rewrites the log would make it anew. */
export class CopiedTree extends AuditTree {
  readonly kept: AuditLeaf[] = [];
  private inner = new Map<string, Uint8Array>();
  checkpoints: SignedCheckpoint[] = [];
  private witnessed = new Set<number>();
  private name = crypto.randomUUID() as string;

  static over(events: readonly RecordedEvent[], id: string, checkpoints: readonly SignedCheckpoint[]): CopiedTree {
    const tree = new CopiedTree();
    tree.name = id;
    const frontier = new MerkleFrontier(SHA256);
    for (const [index, event] of events.entries()) {
      const { stream, revision, position } = event;
      const entry = entryOf(event);
      tree.kept.push({ index, eventId: event.id, stream, revision, position, entry });
      tree.putNodes(frontier.add(leafHash(entry)));
    }
    tree.checkpoints = [...checkpoints];
    return tree;
  }

  copy(): CopiedTree {
    const tree = new CopiedTree();
    tree.name = this.name;
    tree.kept.push(...this.kept);
    tree.inner = new Map(this.inner);
    tree.checkpoints = [...this.checkpoints];
    return tree;
  }

  private putNodes(nodes: readonly TreeNode<Uint8Array>[]): void {
    for (const { level, index, hash } of nodes) this.inner.set(`${level}/${index}`, hash);
  }

  override id = (): Promise<string> => Promise.resolve(this.name);
  override size = (): Promise<number> => Promise.resolve(this.kept.length);
  override health = (): Promise<void> => Promise.resolve();

  override append(leaves: readonly AuditLeaf[], nodes: readonly TreeNode<Uint8Array>[]): Promise<boolean> {
    if (leaves[0]?.index !== this.kept.length) return Promise.resolve(false);
    this.kept.push(...leaves);
    this.putNodes(nodes);
    return Promise.resolve(true);
  }

  override async nodes(refs: readonly NodeRef[]): Promise<readonly Uint8Array[]> {
    return refs.map(({ level, index }) => {
      const leaf = this.kept[index];
      const hash = level === 0 ? leaf && leafHash(leaf.entry) : this.inner.get(`${level}/${index}`);
      if (hash === undefined) throw new RangeError('The tree has no such node');
      return hash;
    });
  }

  override leaves = (from: number, limit: number): Promise<readonly AuditLeaf[]> =>
    Promise.resolve(this.kept.slice(from, from + limit));
  override leafOf = (eventId: string): Promise<AuditLeaf | undefined> =>
    Promise.resolve(this.kept.find((leaf) => leaf.eventId === eventId));

  override addCheckpoint(checkpoint: SignedCheckpoint): Promise<boolean> {
    if (this.checkpoints.some(({ size }) => size === checkpoint.size)) return Promise.resolve(false);
    this.checkpoints = [...this.checkpoints, checkpoint].sort((a, b) => a.size - b.size);
    return Promise.resolve(true);
  }
  override checkpointsAfter = (after: number, limit: number): Promise<readonly SignedCheckpoint[]> =>
    Promise.resolve(this.checkpoints.filter(({ size }) => size > after).slice(0, limit));
  override latestCheckpoint = (): Promise<SignedCheckpoint | undefined> => Promise.resolve(this.checkpoints.at(-1));
  override markWitnessed = async ({ size }: SignedCheckpoint): Promise<void> => void this.witnessed.add(size);
  override unwitnessed = (limit: number): Promise<readonly SignedCheckpoint[]> =>
    Promise.resolve(this.checkpoints.filter(({ size }) => !this.witnessed.has(size)).slice(0, limit));

  override async beginAnew(): Promise<void> {
    this.name = crypto.randomUUID();
    this.kept.length = 0;
    this.inner = new Map();
    this.checkpoints = [];
    this.witnessed = new Set();
  }
}
