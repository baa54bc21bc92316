import type { AuditTree } from './audit-tree.js';
import {
  completeSubtrees,
  consistencyRanges,
  type Head,
  inclusionRanges,
  isConsistent,
  joined,
  type LeafRange,
} from './merkle.js';
import { emptyRoot, SHA256 } from './merkle-hashing.js';

/** Roots and proofs of the stored tree, as it is or as it was at a smaller size: O(log n) nodes, read in one go. */
export class TreeHashes {
  constructor(private readonly tree: Pick<AuditTree, 'nodes'>) {}

  async root(size: number): Promise<Uint8Array> {
    if (size === 0) return emptyRoot();
    const [root] = await this.hashes([{ from: 0, to: size }]);
    return root ?? emptyRoot();
  }

  /** The audit path of the leaf, lowest first (RFC 9162, 2.1.3). @param size at most that of the tree */
  inclusion(index: number, size: number): Promise<readonly Uint8Array[]> {
    return this.hashes(inclusionRanges(index, size));
  }

  /** RFC 9162, 2.1.4, for 0 < first <= second <= the size of the tree. */
  consistency(first: number, second: number): Promise<readonly Uint8Array[]> {
    return first === second ? Promise.resolve([]) : this.hashes(consistencyRanges(first, second));
  }

  /** Whether the stored tree still begins with what was signed, and the way from there to `size` holds. */
  async extendsHead(head: Head<Uint8Array>, size: number): Promise<boolean> {
    const now = { size, root: await this.root(size) };
    return isConsistent(head, now, await this.consistency(head.size, size), SHA256);
  }

  private async hashes(ranges: readonly LeafRange[]): Promise<readonly Uint8Array[]> {
    const subtrees = ranges.map(completeSubtrees);
    const nodes = await this.tree.nodes(subtrees.flat());
    let at = 0;
    return subtrees.map(({ length }) => joined(nodes.slice(at, (at += length)), SHA256));
  }
}
