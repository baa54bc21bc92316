import type { Attempt, Lane, LaneKey, LaneState, LaneWork, SetBack } from './lane.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

export interface LanePage {
  readonly state?: LaneState;
  /** A customer's id: those behind it. */
  readonly after?: string;
  readonly limit: number;
}

/**
 * Endpoints, and how far each has got with each customer. Whoever delivers says from where it went on, so that one who was
 * overtaken (by a replay, by another instance) moves nothing.
 * Every adapter passes `test/contracts/webhooks.contract.ts`.
 * All methods throw StoreUnavailable('webhooks') when the store is out of reach. Writes are durable when they resolve.
 */
export abstract class Webhooks {
  abstract add(endpoint: WebhookEndpoint): Promise<void>;
  abstract find(id: string): Promise<WebhookEndpoint | undefined>;
  /** The oldest first. */
  abstract list(): Promise<readonly WebhookEndpoint[]>;
  /** @returns false when it stands at another version than `ifVersion`, or is gone: nothing was changed */
  abstract replace(endpoint: WebhookEndpoint, ifVersion: number): Promise<boolean>;
  /** With all its lanes. @returns false when there is no such endpoint */
  abstract remove(id: string): Promise<boolean>;

  /**
   * Notes that lanes reach further. One that is not there begins at `next`; one that had nothing left goes on from `next`,
   * but never back; any other is only made longer. Idempotent.
   */
  abstract enqueue(work: readonly LaneWork[], at: number): Promise<void>;
  /** Forgets all lanes of the endpoint. */
  abstract clear(endpointId: string): Promise<void>;
  /** Sets lanes back to `next` where they stand further, whatever their state; each once for one replay. */
  abstract rewind(work: readonly LaneWork[], replayId: string, at: number): Promise<void>;
  /** Lets the endpoint's lanes of this state go on at once, as if nothing had failed. */
  abstract restart(endpointId: string, state: 'retrying' | 'parked', at: number): Promise<void>;

  /** Those whose time has come, the longest due first. */
  abstract due(endpointId: string, state: 'waiting' | 'retrying', at: number, limit: number): Promise<readonly Lane[]>;
  /**
   * All before `next` is delivered, or need not be; the lane goes to the end of the queue.
   * @param from where the lane stood. @returns `overtaken` when it does not stand there: nothing was changed
   */
  abstract advance(
    lane: LaneKey,
    from: number,
    next: number,
    at: number,
    last?: Attempt,
  ): Promise<'more' | 'delivered' | 'overtaken'>;
  /** @returns false when the lane does not stand at `from`: nothing was changed */
  abstract setBack(lane: LaneKey, from: number, failure: SetBack): Promise<boolean>;

  /** By customer id. */
  abstract lanes(endpointId: string, page: LanePage): Promise<readonly Lane[]>;
  /** @throws StoreUnavailable */
  abstract health(): Promise<void>;
}
