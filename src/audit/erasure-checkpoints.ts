import type { Position } from '../event-sourcing/event-store.js';
import { LogCheckpoints } from '../privacy/log-checkpoints.js';
import type { CheckpointLog } from './checkpoint-log.js';
import type { CheckpointSigner } from './checkpoint-signer.js';

/** Checkpoints for receipts of erasures, which do not wait for the minute to be over: one is signed where none covers yet. */
export class ErasureCheckpoints extends LogCheckpoints {
  constructor(
    private readonly checkpoints: CheckpointLog,
    private readonly signer: CheckpointSigner,
  ) {
    super();
  }

  override async covering(position: Position): Promise<string | undefined> {
    const standing = await this.checkpoints.covering(position);
    if (standing !== undefined) return standing.note;
    await this.signer.sign();
    return (await this.checkpoints.covering(position))?.note;
  }
}
