import type { Checkpoints, Lease } from './checkpoints.js';

/**
 * A lease that is held: renewed at a third of its time, and over, for its holder, before it is over for the others, even
 * when the store can't be asked. Safety never rests on it: it only keeps two from doing the same work at once.
 */
export class HeldLease {
  private readonly ended = new AbortController();
  private readonly renewals: NodeJS.Timeout;
  private end: NodeJS.Timeout;

  private constructor(
    private readonly checkpoints: Checkpoints,
    readonly lease: Lease,
    private readonly ttlMs: number,
    since: number,
  ) {
    this.end = this.endFor(since);
    this.renewals = setInterval(() => void this.renew(), ttlMs / 3);
  }

  /** Undefined while another holds it. */
  static async take(
    checkpoints: Checkpoints,
    name: string,
    owner: string,
    ttlMs: number,
  ): Promise<HeldLease | undefined> {
    const since = performance.now();
    const lease = await checkpoints.acquire(name, owner, ttlMs);
    return lease && new HeldLease(checkpoints, lease, ttlMs, since);
  }

  /** Aborts once the lease is not surely held any more. */
  get lost(): AbortSignal {
    return this.ended.signal;
  }

  lose(): void {
    this.ended.abort();
  }

  async release(): Promise<void> {
    clearInterval(this.renewals);
    clearTimeout(this.end);
    await this.checkpoints.release(this.lease).catch(() => undefined);
  }

  private async renew(): Promise<void> {
    const since = performance.now();
    const kept = await this.checkpoints.renew(this.lease, this.ttlMs).catch(() => undefined);
    if (kept === undefined) return;
    clearTimeout(this.end);
    if (kept) this.end = this.endFor(since);
    else this.lose();
  }

  /** A tenth of its time is kept back for what is under way. Counted from before the store was asked. */
  private endFor(since: number): NodeJS.Timeout {
    return setTimeout(
      () => {
        this.lose();
      },
      since + this.ttlMs * 0.9 - performance.now(),
    );
  }
}
