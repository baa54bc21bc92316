import type { RecordedEvent, SubscribeOptions, SubscriptionMessage } from '../../src/event-sourcing/event-store.js';
import type { LogHandler } from '../../src/event-sourcing/log-follower.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { draft, expectedBy, following } from './kernel-faulty-log.js';
import { MemoryLog } from './kernel-log.js';

export const NAME = 'views';

/** Can be made to drop its subscriptions, as a log behind a network does. */
export class DroppingLog extends MemoryLog {
  private dropping = new AbortController();

  override async *subscribe(options: SubscribeOptions): AsyncGenerator<SubscriptionMessage> {
    const { signal: dropped } = this.dropping;
    yield* super.subscribe({ ...options, signal: AbortSignal.any([options.signal, dropped]) });
    if (dropped.aborted) throw new StoreUnavailable('event_log');
  }

  drop(): void {
    this.dropping.abort();
    this.dropping = new AbortController();
  }

  async write(stream: string, count: number, type = 'Happened'): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const events = following(stream, this.stream(stream).at(-1), [draft(type)]);
      await this.append(stream, expectedBy(events), events);
    }
  }
}

/** Keeps what it was handed; `before` can fail or wait. */
export class Handler implements LogHandler {
  readonly name = NAME;
  readonly prefixes = ['customer-'];
  readonly handled: RecordedEvent[] = [];
  calls = 0;
  before: (events: readonly RecordedEvent[], signal: AbortSignal) => Promise<void> = () => Promise.resolve();

  checkpointName(): Promise<string> {
    return Promise.resolve(`${NAME}@1`);
  }

  async handle(events: readonly RecordedEvent[], signal: AbortSignal): Promise<void> {
    this.calls += 1;
    await this.before(events, signal);
    this.handled.push(...events);
  }
}
