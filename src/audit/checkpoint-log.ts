import type { EventStore, Position } from '../event-sourcing/event-store.js';
import type { AuditTree, SignedCheckpoint } from './audit-tree.js';

/** The signed checkpoints of the tree, and what they cover. */
export class CheckpointLog {
  constructor(
    private readonly tree: AuditTree,
    private readonly store: Pick<EventStore, 'comparePositions'>,
  ) {}

  /** The newest one; undefined until the first is signed. @throws StoreUnavailable('audit_tree') */
  latest(): Promise<SignedCheckpoint | undefined> {
    return this.tree.latestCheckpoint();
  }

  /**
   * The first signed checkpoint whose tree contains the event at that position; undefined while there is none yet, which is
   * for a minute or so after the append. @throws StoreUnavailable('audit_tree')
   */
  async covering(position: Position): Promise<SignedCheckpoint | undefined> {
    const index = await this.indexOf(position);
    return index === undefined ? undefined : (await this.tree.checkpointsAfter(index, 1))[0];
  }

  /** Leaves stand in log order. */
  private async indexOf(position: Position): Promise<number | undefined> {
    let [low, high] = [0, await this.tree.size()];
    const size = high;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [leaf] = await this.tree.leaves(middle, 1);
      if (leaf === undefined) return undefined;
      if (this.store.comparePositions(leaf.position, position) < 0) low = middle + 1;
      else high = middle;
    }
    return low < size ? low : undefined;
  }
}
