import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position, RecordedEvent, SubscriptionMessage } from './event-store.js';

export interface Batch {
  readonly events: readonly RecordedEvent[];
  /** Where to resume after this batch; undefined when nothing was passed yet. */
  readonly position: Position | undefined;
  /** Everything that was in the log when this batch was made has been yielded with it. */
  readonly caughtUp: boolean;
}

/**
 * Gathers what a subscription yields without waiting for more: a full batch while catching up, what one turn of the
 * event loop brought while live. Order and marks stay as they came.
 */
export async function* batches(messages: AsyncIterable<SubscriptionMessage>, size: number): AsyncGenerator<Batch> {
  const iterator = messages[Symbol.asyncIterator]();
  let events: RecordedEvent[] = [];
  let position: Position | undefined;
  const ask = (): Promise<IteratorResult<SubscriptionMessage>> => {
    const asked = iterator.next();
    // It may fail while a batch is worked on: that is met at the next turn, and must not end the process before.
    asked.catch(() => undefined);
    return asked;
  };
  try {
    let pending = ask();
    for (;;) {
      const next = events.length === 0 ? await pending : await Promise.race([pending, nextTurn(undefined)]);
      if (next === undefined || next.done === true) {
        if (events.length > 0) yield { events, position, caughtUp: false };
        events = [];
        if (next?.done === true) return;
        continue;
      }
      pending = ask();
      const message = next.value;
      if (message.kind === 'event') {
        events.push(message.event);
        position = message.event.position;
      } else if (message.kind === 'checkpoint') {
        position = message.position;
      }
      if (message.kind !== 'event' || events.length >= size) {
        yield { events, position, caughtUp: message.kind === 'caught_up' };
        events = [];
      }
    }
  } finally {
    await iterator.return?.();
  }
}
