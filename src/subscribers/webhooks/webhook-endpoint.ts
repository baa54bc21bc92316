import type { Position } from '../../event-sourcing/event-store.js';
import type { WrappedKey } from '../../privacy/subject-keys.js';
import type { CloudEventType } from '../cloud-event.js';

/** A signing secret as it is kept: wrapped by a master key, shown to nobody again. */
export interface SealedSecret extends WrappedKey {
  /** Milliseconds since the epoch; absent for the present one. Until then it signs beside the present one. */
  readonly expiresAt?: number;
}

/** Deliver again what stands in the log up to `until`, from a place in it or from a time. Done once it is absent. */
export interface Replay {
  readonly id: string;
  /** Exclusive; with neither this nor `since` from the beginning. */
  readonly after?: Position;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly until: Position;
}

/** Where events are delivered to, and how. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly description?: string;
  /** All when absent; the ends of customers always. */
  readonly types?: readonly CloudEventType[];
  /** Whether personal values are in what is delivered. */
  readonly pii: boolean;
  /** While false, what is to be delivered is still noted. */
  readonly enabled: boolean;
  /** The endpoint itself answered 410. */
  readonly gone?: boolean;
  /** The newest first; two while one takes the place of the other. */
  readonly secrets: readonly SealedSecret[];
  /** Events after this place in the log are delivered; from the beginning when absent. */
  readonly after?: Position;
  readonly replay?: Replay;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Counts the changes, from 1. */
  readonly version: number;
}

/** Whoever may hold personal values is told of their erasure (GDPR, Art. 19), whatever types were chosen. */
const ALWAYS: readonly CloudEventType[] = ['customer.erased', 'customer.deleted'];

export const wants = ({ types }: Pick<WebhookEndpoint, 'types'>, type: CloudEventType): boolean =>
  types === undefined || types.includes(type) || ALWAYS.includes(type);
