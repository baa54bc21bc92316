import type { EventStore, Position, RecordedEvent, SubscribeOptions, SubscriptionMessage } from './event-store.js';
import { EventStoreDecorator } from './event-store-decorator.js';
import { markIn, QUARANTINE_STREAM } from './holds.js';
import type { Quarantine } from './quarantine.js';
import { cutAt, StreamDamaged } from './stream-damage.js';

/** Finds what is wrong with one event by itself; undefined for a sound one, and for one that a newer release wrote. */
export type EventInspection = (event: RecordedEvent) => StreamDamaged | undefined;

type Messages = IteratorResult<SubscriptionMessage, undefined>;

/**
 * The log as it is delivered: a subscription sets aside the stream of each damaged event it meets, passes over what is
 * held, and yields it at its mark once the stream is released. Such an event has the position of its mark, so that
 * checkpoints and cursors need know nothing of it. Whoever resumes at any place gets each event once.
 */
export class QuarantinedLog extends EventStoreDecorator {
  private readonly atTheirMark = new WeakSet<RecordedEvent>();

  constructor(
    inner: EventStore,
    private readonly quarantine: Quarantine,
    private readonly inspect: EventInspection,
  ) {
    super(inner);
  }

  /** Whether the event, as it stands at its own place, is kept from readers. */
  isHeld(event: RecordedEvent): boolean {
    return !this.atTheirMark.has(event) && this.quarantine.holds.covering(event) !== undefined;
  }

  /**
   * Of a stream from which nothing was ever held, and nothing is to be.
   * @throws StreamDamaged what is delivered of it, and where, only the way along the log tells
   */
  override async read(
    stream: string,
    options: { readonly from?: number; readonly limit?: number } = {},
  ): Promise<readonly RecordedEvent[]> {
    const hold = this.quarantine.holds.of(stream).at(-1);
    if (hold !== undefined) throw new StreamDamaged(stream, hold.damage);
    try {
      const events = await this.inner.read(stream, options);
      for (const [at, event] of events.entries()) this.requireSound(event, (options.from ?? 0) + at);
      return events;
    } catch (error) {
      if (error instanceof StreamDamaged) await this.quarantine.setAside(error);
      throw error;
    }
  }

  override subscribe({ prefixes, ...options }: SubscribeOptions): AsyncIterable<SubscriptionMessage> {
    const wants = ({ stream }: RecordedEvent): boolean =>
      prefixes === undefined || prefixes.some((prefix) => stream.startsWith(prefix));
    const messages = this.inner.subscribe({ ...options, prefixes: prefixes && [...prefixes, QUARANTINE_STREAM] });
    const { quarantine } = this;
    // Only whoever sees every stream can tell that nothing up to a place is damaged.
    const passesAll = prefixes === undefined;
    return {
      [Symbol.asyncIterator]: () => {
        const inner = messages[Symbol.asyncIterator]();
        const delivered = (next: IteratorResult<SubscriptionMessage, unknown>): Messages | Promise<Messages> => {
          if (next.done === true) return { done: true, value: undefined };
          const { value } = next;
          const ordinary = this.isOrdinary(value);
          if (ordinary && passesAll && value.kind !== 'caught_up') quarantine.passed(positionOf(value));
          return ordinary ? { value } : this.deliver(value, wants).then((message) => ({ value: message }));
        };
        // Where it goes on behind what another instance has passed, that one has recorded what it met there.
        let begun =
          options.after === undefined || quarantine.hasPassed(options.after) ? undefined : quarantine.catchUp();
        return {
          next: () => {
            if (begun === undefined) return inner.next().then(delivered);
            const first = begun.then(() => inner.next()).then(delivered);
            begun = undefined;
            return first;
          },
          // A generator would first wait for the `next()` that waits.
          return: async () => {
            await inner.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  /** What is yielded as it is, at no cost: nearly everything. */
  private isOrdinary(message: SubscriptionMessage): boolean {
    if (message.kind !== 'event') return message.kind === 'caught_up' || message.suspect === undefined;
    const { event } = message;
    return (
      event.stream !== QUARANTINE_STREAM &&
      this.quarantine.knows(event.position) &&
      this.quarantine.holds.of(event.stream).length === 0 &&
      this.inspect(event) === undefined
    );
  }

  private async deliver(
    message: SubscriptionMessage,
    wants: (event: RecordedEvent) => boolean,
  ): Promise<SubscriptionMessage> {
    if (message.kind === 'caught_up') return message;
    const position = positionOf(message);
    if (!this.quarantine.knows(position)) await this.quarantine.catchUp();
    const event = message.kind === 'event' ? await this.delivered(message.event) : undefined;
    if (message.kind === 'checkpoint' && message.suspect !== undefined) await this.lookAt(message.suspect);
    return event !== undefined && wants(event) ? { kind: 'event', event } : { kind: 'checkpoint', position };
  }

  private async delivered(event: RecordedEvent): Promise<RecordedEvent | undefined> {
    if (event.stream === QUARANTINE_STREAM) {
      await this.quarantine.take(event);
      return markIn(event) === undefined ? event : this.released(event);
    }
    if (this.quarantine.holds.covering(event) !== undefined) return undefined;
    const damage = this.inspect(event);
    if (damage === undefined) return event;
    await this.quarantine.setAside(damage);
    return undefined;
  }

  /** The event that a mark stands for, unless a later hold covers it: then it is delivered there. */
  private async released(marked: RecordedEvent): Promise<RecordedEvent | undefined> {
    const mark = markIn(marked);
    if (mark === undefined) return undefined;
    try {
      const [event] = await this.inner.read(mark.stream, { from: mark.revision, limit: 1 });
      if (event === undefined) throw cutAt(mark.stream, mark.revision);
      if (this.quarantine.holds.covering(event)?.number !== mark.hold) return undefined;
      this.requireSound(event, mark.revision);
      const released = { ...event, position: marked.position };
      this.atTheirMark.add(released);
      return released;
    } catch (error) {
      if (!(error instanceof StreamDamaged)) throw error;
      await this.quarantine.setAside(error);
      return undefined;
    }
  }

  private requireSound(event: RecordedEvent, revision: number): void {
    if (event.revision !== revision) throw cutAt(event.stream, revision);
    const damage = this.inspect(event);
    if (damage !== undefined) throw damage;
  }

  /** An operator deleted or truncated it, which may be undone by now. */
  private async lookAt(stream: string): Promise<void> {
    const damage = await this.inner.damageOf(stream);
    if (damage !== undefined) await this.quarantine.setAside(new StreamDamaged(stream, damage));
  }
}

const positionOf = (message: Exclude<SubscriptionMessage, { kind: 'caught_up' }>): Position =>
  message.kind === 'event' ? message.event.position : message.position;
