import { readMetadata } from './envelope.js';
import type { Position, RecordedEvent } from './event-store.js';

/**
 * How far a follower of the log has come. Besides the position it names the event that stood there, so that a wiped or
 * restored log is noticed at start instead of being followed into silence.
 */
export interface Checkpoint {
  readonly logId: string;
  readonly position: Position;
  /** The last event handled; absent while only marks were passed. */
  readonly last?: {
    readonly stream: string;
    readonly revision: number;
    readonly eventId: string;
    readonly hash: string;
  };
}

/** How a checkpoint names the event that stands at it. */
export const namedInCheckpoint = (event: RecordedEvent): NonNullable<Checkpoint['last']> => ({
  stream: event.stream,
  revision: event.revision,
  eventId: event.id,
  hash: readMetadata(event).hash,
});

/** Who may follow the log under a name just now. `epoch` grows with each new holder: a fence against an overtaken one. */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  readonly epoch: number;
}

/**
 * Checkpoints and leases. An instance lives in the database of what its checkpoints mark.
 * Every adapter passes `test/contracts/checkpoints.contract.ts`.
 */
export abstract class Checkpoints {
  /**
   * This process as a holder of leases. Where only one process can serve from the database it is the name its successor
   * has too, which so need not wait for the lease to run out.
   */
  abstract readonly owner: string;

  abstract load(name: string): Promise<Checkpoint | undefined>;
  /**
   * @param after the position that must be stored at the time; any, or none, when absent
   * @returns false when the lease's epoch is no longer the newest, or another position is stored: nothing was written
   */
  abstract save(name: string, checkpoint: Checkpoint, lease?: Lease, after?: Position): Promise<boolean>;
  abstract remove(name: string): Promise<void>;

  /** Takes the lease when it is free, expired or already this owner's; undefined when another holds it. */
  abstract acquire(name: string, owner: string, ttlMs: number): Promise<Lease | undefined>;
  /** @returns false when it was lost meanwhile. */
  abstract renew(lease: Lease, ttlMs: number): Promise<boolean>;
  abstract release(lease: Lease): Promise<void>;
}
