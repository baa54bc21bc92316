import { keyEndedBy } from '../../customers/read-model/customer-erasures.js';
import type { Clock } from '../../event-sourcing/clock.js';
import type { RecordedEvent } from '../../event-sourcing/event-store.js';
import { StreamDamaged } from '../../event-sourcing/stream-damage.js';
import type { Receipts } from '../../privacy/receipts.js';
import type { CloudEvent, CloudEvents } from '../cloud-event.js';
import { afterFailure, readRetryAfter } from './back-off.js';
import type { Delivery } from './delivery.js';
import { cloudEventTypeOf } from './event-type.js';
import type { Attempt, Lane } from './lane.js';
import type { Answer } from './sender.js';
import type { SoundEvents } from './sound-events.js';
import { wants, type WebhookEndpoint } from './webhook-endpoint.js';
import type { Webhooks } from './webhooks.js';

/** Then the lane goes to the end of the queue, so that one with much to deliver does not keep its place from others. */
const EVENTS_A_TURN = 20;

export interface LaneParts {
  readonly webhooks: Webhooks;
  readonly sound: SoundEvents;
  readonly envelopes: CloudEvents;
  readonly delivery: Delivery;
  /** Where it is noted who was told of an erasure. */
  readonly receipts: Pick<Receipts, 'told' | 'acknowledged'>;
  readonly clock: Clock;
}

/** `held`: the customer is set aside; its events wait for the release. */
export type LaneEnd = 'turn_over' | 'failed' | 'gone' | 'held';

/**
 * One turn of one lane: its next events, each sent once the one before is acknowledged and that is written down. The body
 * is made once the connection stands, so that what was erased a moment ago is not in it.
 */
export class LaneRun {
  constructor(private readonly parts: LaneParts) {}

  /**
   * @param current the endpoint as it is now; undefined once nothing is to be sent to it
   * @throws the signal's reason @throws StoreUnavailable and what else is no fault of the endpoint
   */
  async run(current: () => WebhookEndpoint | undefined, lane: Lane, signal: AbortSignal): Promise<LaneEnd> {
    const { sound, webhooks, clock } = this.parts;
    const limit = Math.min(lane.end - lane.next, EVENTS_A_TURN);
    const events = await sound.read(lane.customerId, lane.next, limit);
    if (events.length === 0) return 'held';
    let standing: Pick<Lane, 'next' | 'attempts' | 'failingSince'> = lane;
    for (const event of events) {
      const endpoint = current();
      if (endpoint === undefined) return 'turn_over';
      if (!wants(endpoint, cloudEventTypeOf(event))) continue;
      const end = await this.deliver(endpoint, { ...lane, ...standing }, event, signal).catch(this.heldIfDamaged);
      if (end !== 'delivered') return end;
      standing = { next: event.revision + 1, attempts: 0 };
    }
    const read = lane.next + events.length;
    // Passed over at the end of the page, for the endpoint does not want them.
    if (read > standing.next) await webhooks.advance(lane, standing.next, read, clock.now());
    return 'turn_over';
  }

  private async deliver(
    endpoint: WebhookEndpoint,
    lane: Lane,
    event: RecordedEvent,
    signal: AbortSignal,
  ): Promise<LaneEnd | 'delivered'> {
    const { delivery, webhooks, receipts, clock } = this.parts;
    const erased = keyEndedBy(event);
    if (erased) await receipts.told(erased, endpoint.id, clock.now());
    const answer = await delivery.event(endpoint, () => this.envelope(endpoint, event), signal, lane.attempts);
    const last = attemptOf(answer, clock.now());
    if (answer.outcome === 'delivered') {
      // Before the lane moves on: after a crash it is delivered again, and noted then.
      if (erased) await receipts.acknowledged(erased, endpoint.id, last.at);
      const moved = await webhooks.advance(lane, lane.next, event.revision + 1, last.at, last);
      return moved === 'overtaken' ? 'turn_over' : 'delivered';
    }
    await webhooks.setBack(lane, lane.next, afterFailure(lane, last, readRetryAfter(answer.retryAfter, last.at)));
    return answer.outcome === 'gone' ? 'gone' : 'failed';
  }

  private readonly heldIfDamaged = async (error: unknown): Promise<LaneEnd> => {
    if (!(error instanceof StreamDamaged)) throw error;
    await this.parts.sound.report(error);
    return 'held';
  };

  private async envelope(endpoint: WebhookEndpoint, event: RecordedEvent): Promise<CloudEvent> {
    const [envelope] = await this.parts.envelopes.envelopes([event], endpoint);
    if (envelope === undefined) throw new RangeError('There is an envelope for each event');
    return envelope;
  }
}

const attemptOf = ({ outcome, status }: Answer, at: number): Attempt => ({
  at,
  outcome,
  ...(status !== undefined && { status }),
});
