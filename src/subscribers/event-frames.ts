import { UnknownEventType } from '../event-sourcing/log-follower.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import type { CloudEvents } from './cloud-event.js';
import { knownPart } from './event-filter.js';
import type { Stretch } from './event-reader.js';
import type { LogCursors } from './log-cursors.js';

export interface Frames {
  /** Undefined when there is nothing to send. */
  readonly bytes: Buffer | undefined;
  /** An event follows that this release does not know: another instance may lead on from here. */
  readonly ends: boolean;
}

/** Of those without personal values. */
const KEPT = 16;

/**
 * Stretches as server-sent events (WHATWG HTML, 9.2): `id` is a cursor, `data` an envelope on one line. All readers who
 * come through the same stretch together get the same bytes. Those with personal values are shared only while they are
 * being made: opened later, they might be of a customer who was erased meanwhile.
 */
export class EventFrames {
  private readonly kept = new Map<string, Promise<Frames>>();

  constructor(
    private readonly cloudEvents: CloudEvents,
    private readonly cursors: LogCursors,
  ) {}

  /** @throws StoreUnavailable, KeyMissing @throws UnknownEventType as its first event, MalformedEvent */
  of(stretch: Stretch, pii: boolean): Promise<Frames> {
    if (stretch.name === undefined || stretch.events.length === 0) return this.make(stretch.events, pii);
    const name = `${pii} ${stretch.name}`;
    const standing = this.kept.get(name);
    if (standing !== undefined) return standing;
    const made = this.make(stretch.events, pii);
    this.keep(name, made, pii);
    return made;
  }

  private keep(name: string, made: Promise<Frames>, pii: boolean): void {
    this.kept.set(name, made);
    const drop = (): void => void this.kept.delete(name);
    made.then(pii ? drop : undefined, drop);
    if (this.kept.size <= KEPT) return;
    const [eldest] = this.kept.keys();
    if (eldest !== undefined) this.kept.delete(eldest);
  }

  private async make(events: readonly RecordedEvent[], pii: boolean): Promise<Frames> {
    if (events.length === 0) return { bytes: undefined, ends: false };
    try {
      return { bytes: await this.encode(events, pii), ends: false };
    } catch (error) {
      const known = error instanceof UnknownEventType ? knownPart(events) : [];
      if (known.length === 0) throw error;
      return { bytes: await this.encode(known, pii), ends: true };
    }
  }

  private async encode(events: readonly RecordedEvent[], pii: boolean): Promise<Buffer> {
    const envelopes = await this.cloudEvents.envelopes(events, { pii });
    const frames = envelopes.map((envelope, index) => {
      const id = this.cursors.write(events[index]?.position);
      return `id: ${id}\ndata: ${JSON.stringify(envelope)}\n\n`;
    });
    return Buffer.from(frames.join(''));
  }
}
