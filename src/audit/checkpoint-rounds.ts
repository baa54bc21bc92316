import type { Checkpoints } from '../event-sourcing/checkpoints.js';
import { type FailureLog, RepeatedFailure } from '../event-sourcing/repeated-failure.js';
import type { CheckpointSigner } from './checkpoint-signer.js';
import type { WitnessClient } from './witness-client.js';

const EVERY_MS = 5_000;
const LEASE = 'audit-checkpoints';
/** Longer than the pause between two rounds: of several instances one keeps at it until it is gone. */
const LEASE_MS = 15_000;

export interface RoundParts {
  readonly signer: CheckpointSigner;
  readonly witness: WitnessClient | undefined;
  /** In the database of the tree. */
  readonly checkpoints: Checkpoints;
  readonly log: FailureLog;
  /** Whether this instance signs, if it is its turn. */
  readonly signs: boolean;
}

/** Signs the tree each minute in which it grew, and hands what is signed to the witness; one instance at a time. */
export class CheckpointRounds {
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;
  private failures = 0;
  private readonly unsigned: RepeatedFailure;
  private readonly unwitnessed: RepeatedFailure;

  constructor(private readonly parts: RoundParts) {
    const { log } = parts;
    this.unsigned = new RepeatedFailure({ log, what: 'The audit tree could not be signed' });
    this.unwitnessed = new RepeatedFailure({ log, what: 'The witness did not take a checkpoint' });
  }

  /** How often a checkpoint could not be signed since the start. */
  get signingFailures(): number {
    return this.failures;
  }

  get witnessFailures(): number {
    return this.parts.witness?.failed ?? 0;
  }

  start(): void {
    if (!this.parts.signs) return;
    this.timer = setInterval(() => void this.run(), EVERY_MS);
    void this.run();
  }

  /** What was added since the last checkpoint is signed before it ends; the witness gets it after the next start. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.underWay;
    if (this.timer !== undefined) await this.sign(() => Promise.resolve(true));
  }

  /** A round now, if it is this instance's turn; never throws. */
  run(): Promise<void> {
    this.underWay ??= this.round().finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  private async round(): Promise<void> {
    const { signer, witness } = this.parts;
    if (!(await this.sign(() => signer.isDue())) || witness === undefined) return;
    try {
      await witness.deliver();
      // It delivers nothing while it backs off.
      if (witness.failed === 0) this.unwitnessed.recovered();
    } catch (error) {
      this.unwitnessed.failed(error, { inARow: witness.failed });
    }
  }

  /** @returns whether it is this instance's turn */
  private async sign(isDue: () => Promise<boolean>): Promise<boolean> {
    const { signer, checkpoints, witness } = this.parts;
    try {
      const due = await isDue();
      if (!due && witness === undefined) return false;
      if ((await checkpoints.acquire(LEASE, checkpoints.owner, LEASE_MS)) === undefined) return false;
      if (due) await signer.sign();
      this.unsigned.recovered();
    } catch (error) {
      this.failures += 1;
      this.unsigned.failed(error);
    }
    return true;
  }
}
