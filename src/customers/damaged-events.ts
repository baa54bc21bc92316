import { hashEvent, MalformedEvent, readMetadata } from '../event-sourcing/envelope.js';
import type { StreamEvent } from '../event-sourcing/event-store.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { cutAt, StreamDamaged } from '../event-sourcing/stream-damage.js';
import { SealBroken } from '../privacy/sealing.js';
import { BrokenHistory } from './domain/evolve.js';

/** Runs a step that reads one event. @throws StreamDamaged what is wrong with it @throws UnknownEventType a newer release */
export function reading<T>(event: StreamEvent, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw damageBy(event, error) ?? error;
  }
}

/**
 * Holds a history against its own order, event by event, at the cost of two comparisons: whether one is missing, and
 * whether each names the hash of the one before it.
 * @throws StreamDamaged, MalformedEvent
 */
export function requireSuccessor(event: StreamEvent, before: Predecessor | undefined): void {
  const revision = (before?.revision ?? -1) + 1;
  if (event.revision !== revision) throw cutAt(event.stream, revision);
  const { prevHash } = readMetadata(event);
  if (prevHash !== (before?.hash ?? null)) throw new MalformedEvent('The event does not follow from the one before it');
}

export interface Predecessor {
  readonly revision: number;
  readonly hash: string;
}

/** Undefined where it is no damage: an outage, or a type whose hash is right, so that a newer release wrote it. */
export function damageBy(event: StreamEvent, error: unknown): StreamDamaged | undefined {
  if (error instanceof StreamDamaged) return error;
  const isDamage =
    error instanceof MalformedEvent ||
    error instanceof BrokenHistory ||
    error instanceof SealBroken ||
    (error instanceof UnknownEventType && !isAsHashed(event));
  return isDamage ? new StreamDamaged(event.stream, 'altered', event.revision, { cause: error }) : undefined;
}

export function isAsHashed(event: StreamEvent): boolean {
  try {
    return hashEvent(event) === event.metadata['hash'];
  } catch {
    // What has no canonical form was never hashed.
    return false;
  }
}
