import type { AuditLeaf, AuditTree } from './audit-tree.js';
import { MerkleFrontier, type TreeNode } from './merkle-frontier.js';
import { leafHash, SHA256 } from './merkle-hashing.js';
import type { Findings } from './verify-findings.js';

const PAGE = 500;

/** Walks through the leaves of the tree once, in order, making its root anew and comparing the stored inner nodes. */
export class LeafWalk {
  readonly frontier = new MerkleFrontier(SHA256);
  private ahead: AuditLeaf[] = [];
  private read = 0;

  constructor(
    private readonly tree: Pick<AuditTree, 'leaves' | 'nodes'>,
    /** How many leaves count: what is added meanwhile is of a later verification. */
    readonly size: number,
    private readonly findings: Findings,
    /** Told of the root at each size that is passed. */
    private readonly passed: (size: number, root: () => Uint8Array, leaf: AuditLeaf) => void,
  ) {}

  /** So many of the next leaves; fewer at the end alone. */
  async peek(count: number): Promise<readonly AuditLeaf[]> {
    while (this.ahead.length < count && this.read < this.size) {
      const page = await this.tree.leaves(this.read, Math.min(PAGE, this.size - this.read));
      if (page.length === 0) break;
      await this.check(page);
      this.ahead.push(...page);
      this.read += page.length;
    }
    return this.ahead;
  }

  drop(count: number): void {
    this.ahead = this.ahead.slice(count);
  }

  private async check(page: readonly AuditLeaf[]): Promise<void> {
    const made: TreeNode<Uint8Array>[] = [];
    for (const [at, leaf] of page.entries()) {
      if (leaf.index !== this.read + at) this.findings.add('tree', 'A leaf is missing from the stored tree', leaf);
      made.push(...this.frontier.add(leafHash(leaf.entry)));
      this.passed(this.frontier.size, () => this.frontier.root(), leaf);
    }
    const stored = await this.tree.nodes(made).catch((error: unknown) => {
      if (error instanceof RangeError) return [];
      throw error;
    });
    const wrong = made.filter(({ hash }, at) => !SHA256.same(hash, stored[at] ?? new Uint8Array()));
    const [first] = wrong;
    if (first === undefined) return;
    const place = `level ${String(first.level)}, index ${String(first.index)}`;
    this.findings.add('tree', `Stored inner nodes of the tree are not made of its leaves; the first is at ${place}`);
  }
}
