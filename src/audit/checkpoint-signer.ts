import type { Clock } from '../event-sourcing/clock.js';
import type { SigningRing } from '../privacy/signing-ring.js';
import type { AuditTree, SignedCheckpoint } from './audit-tree.js';
import { signNote } from './checkpoint-note.js';
import { TreeHashes } from './tree-hashes.js';

/** The stored tree does not begin with what was signed before: it was altered, and is not signed. */
export class TreeAltered extends Error {
  override readonly name = 'TreeAltered';
  constructor() {
    super('The audit tree no longer begins with the tree of its last checkpoint; it is not signed');
  }
}

const MINUTE_MS = 60_000;
const minuteOf = (at: number): number => Math.floor(at / MINUTE_MS);

export const originOf = (treeId: string): string => `customers/${treeId}`;

/** Signs the tree as it stands, once a minute at most unless told to do it now, and only when it has grown. */
export class CheckpointSigner {
  private readonly hashes: TreeHashes;

  constructor(
    private readonly tree: AuditTree,
    private readonly ring: SigningRing,
    private readonly clock: Clock,
  ) {
    this.hashes = new TreeHashes(tree);
  }

  /** Whether the tree has grown and a minute has ended since the last checkpoint. */
  async isDue(): Promise<boolean> {
    const latest = await this.tree.latestCheckpoint();
    if (latest !== undefined && minuteOf(this.clock.now()) <= minuteOf(latest.at)) return false;
    return (await this.tree.size()) > (latest?.size ?? 0);
  }

  /** @returns undefined when nothing was added since the last one @throws TreeAltered, StoreUnavailable */
  async sign(): Promise<SignedCheckpoint | undefined> {
    const latest = await this.tree.latestCheckpoint();
    const size = await this.tree.size();
    if (size <= (latest?.size ?? 0)) return undefined;
    if (latest !== undefined && !(await this.hashes.extendsHead(latest, size))) throw new TreeAltered();
    const [last] = await this.tree.leaves(size - 1, 1);
    if (last === undefined) return undefined;
    const origin = originOf(await this.tree.id());
    const body = { origin, size, root: await this.hashes.root(size), at: this.clock.now() };
    const checkpoint = { ...body, position: last.position, note: signNote(body, this.ring) };
    return (await this.tree.addCheckpoint(checkpoint)) ? checkpoint : undefined;
  }
}
