import type { EventStore, Position, RecordedEvent, SubscriptionMessage } from '../../src/event-sourcing/event-store.js';

/** A subscription that runs beside the test and can be waited for. */
export class Followed {
  readonly messages: SubscriptionMessage[] = [];
  readonly ended: Promise<unknown>;
  private readonly end = new AbortController();
  private changed: () => void = () => undefined;

  constructor(store: EventStore, prefixes: readonly string[], after?: Position) {
    this.ended = this.run(store.subscribe({ prefixes, after, signal: this.end.signal }));
  }

  get events(): readonly RecordedEvent[] {
    return this.messages.flatMap((message) => (message.kind === 'event' ? [message.event] : []));
  }

  /** Resolves once it holds; looks again with each message. */
  async until(holds: (followed: this) => boolean): Promise<this> {
    while (!holds(this)) {
      await Promise.race([
        new Promise<void>((resolve) => (this.changed = resolve)),
        this.ended.then((how) => {
          throw new Error('The subscription has ended', { cause: how });
        }),
      ]);
    }
    return this;
  }

  untilEvents(count: number): Promise<this> {
    return this.until(({ events }) => events.length >= count);
  }

  untilCaughtUp(): Promise<this> {
    return this.until(({ messages }) => messages.some(({ kind }) => kind === 'caught_up'));
  }

  /** @returns the error it ended with, if any */
  stop(): Promise<unknown> {
    this.end.abort();
    return this.ended;
  }

  private async run(subscription: AsyncIterable<SubscriptionMessage>): Promise<unknown> {
    try {
      for await (const message of subscription) {
        this.messages.push(message);
        this.changed();
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }
}
