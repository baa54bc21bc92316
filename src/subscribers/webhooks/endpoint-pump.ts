import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../event-sourcing/clock.js';
import type { Lane } from './lane.js';
import type { LaneEnd, LaneRun } from './lane-run.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import type { Webhooks } from './webhooks.js';

/**
 * Lanes under way at once: what hangs holds its place for 10 s. Each endpoint has some places of its own, which no other
 * can take; what it has beyond, all share.
 */
export const LANES = { toOne: 32, toOneThatFails: 4, ownOfEach: 4, shared: 512 } as const;
/** So many failures with no success between them make an endpoint one that fails. */
const FAILURES = 10;
/** Before a lane is tried again that failed for a reason of our own. */
const PAUSE_MS = 2_000;
/** Before it is looked whether a customer that was set aside is released. */
const HELD_MS = 2_000;

export interface PumpParts {
  readonly webhooks: Webhooks;
  readonly lanes: LaneRun;
  readonly clock: Clock;
  /** What all endpoints share. */
  readonly places: { free: number };
  /** The endpoint wants nothing any more. */
  readonly gone: (endpoint: WebhookEndpoint) => Promise<void>;
  readonly failed: (error: unknown, endpoint: WebhookEndpoint) => void;
}

/**
 * Keeps the lanes of one endpoint moving, each in one place at most. Lanes that failed take half of the places: the others
 * are for those that did not, so that a customer whose events fail delays no other.
 */
export class EndpointPump {
  /** By customer: under way, or resting after a failure of our own. */
  private readonly taken = new Map<string, Promise<void>>();
  private readonly underWay = { waiting: 0, retrying: 0 };
  private failuresInARow = 0;
  private open = true;
  private looking = false;
  private again = false;

  constructor(
    private readonly parts: PumpParts,
    private endpoint: WebhookEndpoint,
    private readonly signal: AbortSignal,
  ) {}

  update(endpoint: WebhookEndpoint): void {
    this.endpoint = endpoint;
  }

  /** There may be something to deliver. */
  wake(): void {
    this.again = true;
    if (!this.looking) void this.look();
  }

  get isOpen(): boolean {
    return this.open;
  }

  /** Begins nothing more. */
  close(): void {
    this.open = false;
  }

  /** Resolves once nothing is under way. Call {@link close} before, or abort the signal. */
  async ended(): Promise<void> {
    while (this.taken.size > 0) await Promise.all(this.taken.values());
  }

  private get runs(): boolean {
    return this.open && !this.signal.aborted;
  }

  private get lanesUnderWay(): number {
    return this.underWay.waiting + this.underWay.retrying;
  }

  private get free(): number {
    return Math.max(0, LANES.ownOfEach - this.lanesUnderWay) + this.parts.places.free;
  }

  private async look(): Promise<void> {
    this.looking = true;
    try {
      while (this.again && this.runs) {
        this.again = false;
        const most = this.failuresInARow >= FAILURES ? LANES.toOneThatFails : LANES.toOne;
        await this.fill('retrying', most / 2 - this.underWay.retrying);
        await this.fill('waiting', most - this.lanesUnderWay);
      }
    } catch (error) {
      this.parts.failed(error, this.endpoint);
    } finally {
      this.looking = false;
    }
  }

  private async fill(state: 'waiting' | 'retrying', places: number): Promise<void> {
    const { webhooks, clock } = this.parts;
    const room = Math.min(places, this.free);
    if (room <= 0 || !this.runs) return;
    // What ends while the store answers was read as it stood before.
    const taken = new Set(this.taken.keys());
    // What waits is due whatever the clock says: the one it was noted by may have been ahead.
    const until = state === 'waiting' ? Number.MAX_SAFE_INTEGER : clock.now();
    const due = await webhooks.due(this.endpoint.id, state, until, room + taken.size);
    const free = due.filter(({ customerId }) => !taken.has(customerId)).slice(0, room);
    for (const lane of free) if (this.runs && this.free > 0) this.start(lane, state);
  }

  private start(lane: Lane, state: 'waiting' | 'retrying'): void {
    if (this.lanesUnderWay >= LANES.ownOfEach) this.parts.places.free -= 1;
    this.underWay[state] += 1;
    const leave = (): void => {
      this.underWay[state] -= 1;
      if (this.lanesUnderWay >= LANES.ownOfEach) this.parts.places.free += 1;
    };
    const run = this.run(lane, leave).finally(() => {
      this.taken.delete(lane.customerId);
      this.wake();
    });
    this.taken.set(lane.customerId, run);
  }

  private async run(lane: Lane, leave: () => void): Promise<void> {
    const { signal } = this;
    let end: LaneEnd | undefined;
    // It can be moved while the old address answers.
    let sentTo = this.endpoint;
    const current = (): WebhookEndpoint | undefined => (this.open ? (sentTo = this.endpoint) : undefined);
    try {
      end = await this.parts.lanes.run(current, lane, signal);
      this.failuresInARow = end === 'failed' ? this.failuresInARow + 1 : 0;
      if (end === 'gone') {
        this.close();
        await this.parts.gone(sentTo);
      }
    } catch (error) {
      if (!signal.aborted) this.parts.failed(error, this.endpoint);
    } finally {
      leave();
    }
    const pause = end === undefined ? PAUSE_MS : end === 'held' ? HELD_MS : 0;
    if (pause > 0) await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}
