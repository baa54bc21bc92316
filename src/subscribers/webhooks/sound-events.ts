import { inspectEvent } from '../../customers/event-inspection.js';
import { customerStream } from '../../customers/streams.js';
import type { EventStore, RecordedEvent } from '../../event-sourcing/event-store.js';
import type { Quarantine } from '../../event-sourcing/quarantine.js';
import { cutAt, StreamDamaged } from '../../event-sourcing/stream-damage.js';

/** A customer's events up to the first that is held. */
export class SoundEvents {
  constructor(
    private readonly store: Pick<EventStore, 'read'>,
    private readonly quarantine: Pick<Quarantine, 'report' | 'holds'>,
  ) {}

  /** None where the very first is held. @throws StoreUnavailable @throws RangeError the log lacks what it has shown before */
  async read(customerId: string, from: number, limit: number): Promise<readonly RecordedEvent[]> {
    const stream = customerStream(customerId);
    try {
      const events = await this.store.read(stream, { from, limit });
      const held = events.findIndex((event, at) => this.isHeld(event, from + at));
      // Nothing there would be tried again at once, for ever.
      if (events.length === 0 && !this.isSetAside(stream)) {
        throw new RangeError('The log lacks an event that it has shown before');
      }
      if (held === -1) return events;
      const [event, revision] = [events[held], from + held];
      if (event !== undefined) await this.quarantine.report(damageIn(event, revision));
      return events.slice(0, held);
    } catch (error) {
      if (!(error instanceof StreamDamaged)) throw error;
      await this.quarantine.report(error);
      return [];
    }
  }

  /** Opening a value has shown it. */
  report(damaged: StreamDamaged): Promise<void> {
    return this.quarantine.report(damaged);
  }

  private isSetAside(stream: string): boolean {
    return this.quarantine.holds.openOf(stream) !== undefined;
  }

  private isHeld(event: RecordedEvent, revision: number): boolean {
    const hold = this.quarantine.holds.covering(event);
    return (hold !== undefined && hold.release === undefined) || damageIn(event, revision) !== undefined;
  }
}

function damageIn(event: RecordedEvent, revision: number): StreamDamaged | undefined {
  if (event.revision !== revision) return cutAt(event.stream, revision);
  return inspectEvent(event);
}
