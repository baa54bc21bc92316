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
  try {
    let pending = new Asked(iterator.next());
    for (;;) {
      const next = events.length === 0 ? await pending.answer : await pending.withinThisTurn();
      if (next === undefined || next.done === true) {
        if (events.length > 0) yield { events, position, caughtUp: false };
        events = [];
        if (next?.done === true) return;
        continue;
      }
      pending = new Asked(iterator.next());
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

/** What a subscription has at hand it yields within so many microtasks: far cheaper to wait for than a turn. */
const AT_HAND = 6;

class Asked {
  private answered: IteratorResult<SubscriptionMessage> | undefined;

  constructor(readonly answer: Promise<IteratorResult<SubscriptionMessage>>) {
    answer.then(
      (answered) => (this.answered = answered),
      // It may fail while a batch is worked on: that is met at the next turn, and must not end the process before.
      () => undefined,
    );
  }

  /** Undefined when it has not come by then. */
  async withinThisTurn(): Promise<IteratorResult<SubscriptionMessage> | undefined> {
    for (let ticks = 0; ticks < AT_HAND; ticks += 1) {
      if (this.answered !== undefined) return this.answered;
      await Promise.resolve();
    }
    return Promise.race([this.answer, nextTurn(undefined)]);
  }
}
