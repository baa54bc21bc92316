import { setTimeout as delay } from 'node:timers/promises';
import type { Checkpoints } from './checkpoints.js';
import { HeldLease } from './held-lease.js';

const LEASE_MS = 10_000;
const ASK_AGAIN_MS = 2_000;

export interface LeasedWorkParts {
  readonly checkpoints: Checkpoints;
  readonly lease: string;
  /** Done for as long as the lease is held; ends soon after the signal aborts. What it throws is told and it is begun again. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

/** Work that one instance does at a time, from the start to the stop of each: whoever holds the lease. */
export class LeasedWork {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: LeasedWorkParts) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { checkpoints, lease, failed } = this.parts;
    while (!signal.aborted) {
      try {
        const held = await HeldLease.take(checkpoints, lease, checkpoints.owner, LEASE_MS);
        if (held !== undefined) await this.workUnder(held);
      } catch (error) {
        failed(error);
      }
      await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async workUnder(held: HeldLease): Promise<void> {
    try {
      await this.parts.work(AbortSignal.any([this.stopping.signal, held.lost]));
    } finally {
      await held.release();
    }
  }
}
