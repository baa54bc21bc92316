import { completeSubtrees, type Hashing, joined, type NodeRef } from './merkle.js';

export interface TreeNode<T> extends NodeRef {
  readonly hash: T;
}

/** The right edge of a growing tree: all that adding leaves, and the root, need. Memory grows with the depth alone. */
export class MerkleFrontier<T> {
  /** By level: the complete subtree that waits for its sibling. */
  private readonly waiting: (T | undefined)[] = [];
  private leaves = 0;

  constructor(private readonly hashing: Hashing<T>) {}

  /** @param subtrees the hashes of `completeSubtrees({from: 0, to: size})` */
  static of<T>(size: number, subtrees: readonly T[], hashing: Hashing<T>): MerkleFrontier<T> {
    const frontier = new MerkleFrontier(hashing);
    for (const [at, { level }] of completeSubtrees({ from: 0, to: size }).entries()) {
      frontier.waiting[level] = subtrees[at];
    }
    frontier.leaves = size;
    return frontier;
  }

  get size(): number {
    return this.leaves;
  }

  /** @returns the inner nodes that the leaf completes, the lowest first */
  add(leaf: T): readonly TreeNode<T>[] {
    const made: TreeNode<T>[] = [];
    let hash = leaf;
    let index = this.leaves;
    this.leaves += 1;
    for (let level = 0; ; level += 1) {
      const left = index % 2 === 1 ? this.waiting[level] : undefined;
      if (left === undefined) {
        this.waiting[level] = hash;
        return made;
      }
      this.waiting[level] = undefined;
      index = (index - 1) / 2;
      hash = this.hashing.node(left, hash);
      made.push({ level: level + 1, index, hash });
    }
  }

  /** @throws RangeError without leaves */
  root(): T {
    return joined(this.waiting.filter((hash) => hash !== undefined).reverse(), this.hashing);
  }
}
