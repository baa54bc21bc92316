import type { EventStore } from '../../event-sourcing/event-store.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import type { Webhooks } from './webhooks.js';

/**
 * The log is not the one that was followed: wiped, restored or exchanged. What lanes and places say of it may be wrong, and
 * an event that is passed over is lost, so all is delivered again: from the subscription on where the log came back as it
 * was before, and all there is of one that is another. Can be done again, if it did not come to its end.
 * @param sameLog whether it has the id of the one that was followed
 */
export async function beginOnOtherLog(webhooks: Webhooks, store: EventStore, sameLog: boolean): Promise<void> {
  const head = await store.head();
  const placeIn = (after: WebhookEndpoint['after']): WebhookEndpoint['after'] => {
    if (!sameLog || after === undefined || head === undefined) return undefined;
    // A place that is not there any more would hide what is appended next.
    return store.comparePositions(after, head) > 0 ? head : after;
  };
  for (const { id } of await webhooks.list()) {
    await webhooks.clear(id);
    for (;;) {
      const standing = await webhooks.find(id);
      if (standing === undefined) break;
      const { after, replay: _, ...rest } = standing;
      const place = placeIn(after);
      const anew = { ...rest, ...(place !== undefined && { after: place }), version: rest.version + 1 };
      if (await webhooks.replace(anew, rest.version)) break;
    }
  }
}
