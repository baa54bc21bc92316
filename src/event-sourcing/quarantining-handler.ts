import type { RecordedEvent } from './event-store.js';
import type { LogHandler } from './log-follower.js';
import type { Quarantine } from './quarantine.js';
import { StreamDamaged } from './stream-damage.js';

/**
 * Keeps the damage of one stream from stopping a follower for all others: what a handler finds damaged is set aside and
 * left out, and the rest of the batch is handed in again. Handlers take events more than once anyway.
 */
export class QuarantiningHandler implements LogHandler {
  readonly name: string;
  readonly prefixes: readonly string[];

  constructor(
    private readonly inner: LogHandler,
    private readonly quarantine: Pick<Quarantine, 'setAside'>,
  ) {
    this.name = inner.name;
    this.prefixes = inner.prefixes;
  }

  checkpointName(): Promise<string> {
    return this.inner.checkpointName();
  }

  async handle(events: readonly RecordedEvent[], signal: AbortSignal): Promise<void> {
    const found = new Set<string>();
    let rest = events;
    while (rest.length > 0) {
      try {
        await this.inner.handle(rest, signal);
        return;
      } catch (error) {
        if (!(error instanceof StreamDamaged)) throw error;
        await this.quarantine.setAside(error);
        const left = leaveOut(rest, error, found.has(error.stream));
        found.add(error.stream);
        if (left.length === rest.length) return this.oneByOne(rest, signal);
        rest = left;
      }
    }
  }

  /** The damage is of a stream that an event led to: of those only that can't be handled for it are left out. */
  private async oneByOne(events: readonly RecordedEvent[], signal: AbortSignal): Promise<void> {
    for (const event of events) {
      try {
        await this.inner.handle([event], signal);
      } catch (error) {
        if (!(error instanceof StreamDamaged)) throw error;
        await this.quarantine.setAside(error);
      }
    }
  }
}

/** What came before the damage can mostly be handled still; where it can't, the whole stream is left out. */
function leaveOut(
  events: readonly RecordedEvent[],
  { stream, revision = 0 }: StreamDamaged,
  wholly: boolean,
): readonly RecordedEvent[] {
  return events.filter((event) => event.stream !== stream || (!wholly && event.revision < revision));
}
