import type { Position } from '../event-sourcing/event-store.js';
import type { NodeRef } from './merkle.js';
import type { TreeNode } from './merkle-frontier.js';

/** An event of the log as the tree holds it. */
export interface AuditLeaf {
  /** Its place among the leaves, from 0. */
  readonly index: number;
  readonly eventId: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  /** The event's `hash`, 32 bytes: the entry that the leaf is made of. */
  readonly entry: Uint8Array;
}

/** The head of the tree at some time, signed. */
export interface SignedCheckpoint {
  /** Names the tree: one that was begun anew has another. */
  readonly origin: string;
  /** How many leaves. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the newest event in the tree. */
  readonly position: Position;
  /** The note as it was signed (C2SP tlog-checkpoint). */
  readonly note: string;
}

/**
 * The Merkle tree over the hashes of all events, and its signed checkpoints: kept outside the log that they vouch for.
 * Every adapter passes `test/contracts/audit-tree.contract.ts`.
 * All methods throw StoreUnavailable('audit_tree') when the store is out of reach.
 */
export abstract class AuditTree {
  /** Names this tree; made with it, and anew by {@link beginAnew}. */
  abstract id(): Promise<string>;
  abstract size(): Promise<number>;

  /**
   * Adds leaves behind those that are there, with the inner nodes that they complete; all of it or nothing.
   * @returns false when the first is not the next: another was there before, and nothing was added
   */
  abstract append(leaves: readonly AuditLeaf[], nodes: readonly TreeNode<Uint8Array>[]): Promise<boolean>;

  /** In the order asked for. @throws RangeError one is not there */
  abstract nodes(refs: readonly NodeRef[]): Promise<readonly Uint8Array[]>;
  /** From the leaf `from` on, in order. */
  abstract leaves(from: number, limit: number): Promise<readonly AuditLeaf[]>;
  abstract leafOf(eventId: string): Promise<AuditLeaf | undefined>;

  /** Durable when it resolves. @returns false when there is one of this tree and size already: nothing was added */
  abstract addCheckpoint(checkpoint: SignedCheckpoint): Promise<boolean>;
  /** Of this tree, those of more than `size` leaves, the smallest first. */
  abstract checkpointsAfter(size: number, limit: number): Promise<readonly SignedCheckpoint[]>;
  abstract latestCheckpoint(): Promise<SignedCheckpoint | undefined>;
  /** The outside witness has it. */
  abstract markWitnessed(checkpoint: SignedCheckpoint): Promise<void>;
  /** Of this tree, those that no witness has yet, the oldest first. */
  abstract unwitnessed(limit: number): Promise<readonly SignedCheckpoint[]>;

  /** Another log is followed from here on: a new tree without leaves. Checkpoints of the old one stay. */
  abstract beginAnew(): Promise<void>;
  /** @throws StoreUnavailable */
  abstract health(): Promise<void>;
}
