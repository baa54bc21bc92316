import type { Position } from '../event-sourcing/event-store.js';
import type { KeyRef } from './subject-keys.js';

/** The end of a life that the log has told of. */
export interface NotedErasure {
  readonly ref: KeyRef;
  /** Of the event that ended it. */
  readonly position: Position;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A subscriber that was to be told of an erasure (GDPR, Art. 19). */
export interface ToldSubscriber {
  readonly webhookId: string;
  /** Of the first attempt, milliseconds since the epoch. */
  readonly toldAt: number;
  readonly acknowledgedAt?: number;
}

/**
 * The receipts of erasures, and beside each who was told of it. Holds nothing personal.
 * Every adapter passes `test/contracts/receipts.contract.ts`.
 * All methods throw StoreUnavailable('receipts') when the store is out of reach. Writes are durable when they resolve.
 */
export abstract class Receipts {
  /** That these are to have a receipt. Idempotent; one that has its receipt keeps it. */
  abstract note(erasures: readonly NotedErasure[]): Promise<void>;
  /** Those without a receipt, the oldest first. @param after the last of the page before */
  abstract pending(limit: number, after?: NotedErasure): Promise<readonly NotedErasure[]>;

  /** Another log is followed from here on: what was noted of the one before is forgotten, what was issued stays. */
  abstract clearPending(): Promise<void>;

  /** Gives what was noted its receipt, once and for good. @returns the one that stands */
  abstract issue(ref: KeyRef, receipt: string): Promise<string>;
  abstract find(ref: KeyRef): Promise<string | undefined>;

  /** Of several times the first counts. Idempotent. */
  abstract told(ref: KeyRef, webhookId: string, at: number): Promise<void>;
  abstract acknowledged(ref: KeyRef, webhookId: string, at: number): Promise<void>;
  /** In the order they were told. */
  abstract subscribers(ref: KeyRef): Promise<readonly ToldSubscriber[]>;

  /** @throws StoreUnavailable */
  abstract health(): Promise<void>;
}
