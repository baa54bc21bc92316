import type { Position, SubscriptionMessage } from '../../event-sourcing/event-store.js';

/** Messages with a mark before them, so that a reader which keeps how far it has come keeps this place. */
export function afterMark(
  position: Position,
  messages: AsyncIterator<SubscriptionMessage>,
  signal: AbortSignal,
): AsyncIterator<SubscriptionMessage> {
  let told = false;
  return {
    next: () => {
      if (told || signal.aborted) return messages.next();
      told = true;
      return Promise.resolve({ value: { kind: 'checkpoint', position } });
    },
    return: async () => (await messages.return?.()) ?? { done: true, value: undefined },
  };
}
