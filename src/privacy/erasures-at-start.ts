import type { RecordedEvent } from '../event-sourcing/event-store.js';
import type { LogHandler } from '../event-sourcing/log-follower.js';
import type { Erasures } from './erasure-follower.js';

/**
 * Counts the erasures that are run between the start and the first request: those that a crash left unfinished, and, where
 * a store came back from a backup, all that came after the backup.
 */
export class ErasuresAtStart {
  private readonly counts = new Map<string, number>();
  private counting = true;

  constructor(private readonly erasures: Pick<Erasures, 'keyEndedBy'>) {}

  /** @param store what the handler brings up to the log */
  watched(store: string, handler: LogHandler): LogHandler {
    return {
      name: handler.name,
      prefixes: handler.prefixes,
      checkpointName: () => handler.checkpointName(),
      handle: async (events, signal) => {
        await handler.handle(events, signal);
        if (this.counting) this.count(store, events);
      },
    };
  }

  /** Ends the counting. @returns how many, by store; none that is 0 */
  end(): Readonly<Record<string, number>> {
    this.counting = false;
    return Object.fromEntries(this.counts);
  }

  private count(store: string, events: readonly RecordedEvent[]): void {
    const run = events.filter((event) => this.erasures.keyEndedBy(event) !== undefined).length;
    if (run > 0) this.counts.set(store, (this.counts.get(store) ?? 0) + run);
  }
}
