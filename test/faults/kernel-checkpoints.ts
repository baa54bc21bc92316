import { type Checkpoint, Checkpoints, type Lease } from '../../src/event-sourcing/checkpoints.js';
import type { Position } from '../../src/event-sourcing/event-store.js';

/** The port's contract on maps in memory; leases run out when a test says so. */
export class MemoryCheckpoints extends Checkpoints {
  override readonly owner = 'one';
  readonly saved = new Map<string, Checkpoint>();
  private readonly leases = new Map<string, { owner: string | undefined; epoch: number }>();

  override async load(name: string): Promise<Checkpoint | undefined> {
    return this.saved.get(name);
  }

  override async save(name: string, checkpoint: Checkpoint, lease?: Lease, after?: Position): Promise<boolean> {
    if (lease !== undefined && this.leases.get(lease.name)?.epoch !== lease.epoch) return false;
    if (after !== undefined && this.saved.get(name)?.position !== after) return false;
    this.saved.set(name, checkpoint);
    return true;
  }

  override async remove(name: string): Promise<void> {
    this.saved.delete(name);
  }

  override async acquire(name: string, owner: string): Promise<Lease | undefined> {
    const { owner: holder, epoch } = this.leases.get(name) ?? { owner: undefined, epoch: 0 };
    if (holder !== undefined && holder !== owner) return undefined;
    const lease = { name, owner, epoch: holder === owner ? epoch : epoch + 1 };
    this.leases.set(name, lease);
    return lease;
  }

  override async renew(lease: Lease): Promise<boolean> {
    return this.isHeld(lease);
  }

  override async release(lease: Lease): Promise<void> {
    if (this.isHeld(lease)) this.expire(lease.name);
  }

  /** The holder has not renewed it in time. */
  expire(name: string): void {
    this.leases.set(name, { owner: undefined, epoch: this.leases.get(name)?.epoch ?? 0 });
  }

  holderOf(name: string): string | undefined {
    return this.leases.get(name)?.owner;
  }

  private isHeld({ name, owner, epoch }: Lease): boolean {
    const lease = this.leases.get(name);
    return lease?.owner === owner && lease.epoch === epoch;
  }
}
