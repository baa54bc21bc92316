import {
  type Appended,
  EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type Position,
  type RecordedEvent,
  type SubscribeOptions,
  type SubscriptionMessage,
  WrongExpectedRevision,
} from '../../src/event-sourcing/event-store.js';

const toPosition = (index: number): Position => String(index) as Position;
const fromPosition = (position: Position): number => Number(position);

/**
 * The port's contract on a list in memory, and no more than the contract: a subscription ends by its signal alone. Every
 * call is answered within microtasks.
 */
export class MemoryLog extends EventStore {
  readonly events: RecordedEvent[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly id = 'log',
    private readonly now: () => number = () => 0,
  ) {
    super();
  }

  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    const first = expected === 'no_stream' ? 0 : expected + 1;
    const present = this.stream(stream);
    if (present.length !== first) {
      const same = present.slice(first, first + events.length);
      const last = same.at(-1);
      const known = same.length === events.length && same.every(({ id }, at) => id === events[at]?.id);
      if (last === undefined || !known) throw new WrongExpectedRevision(stream, expected);
      return { revision: last.revision, position: last.position };
    }
    for (const [at, { id, type, data, metadata }] of events.entries()) {
      const position = toPosition(this.events.length + 1);
      this.events.push({ id, type, data, metadata, stream, revision: first + at, position, recordedAt: this.now() });
    }
    for (const wake of [...this.waiting]) wake();
    return { revision: first + events.length - 1, position: toPosition(this.events.length) };
  }

  override async read(
    stream: string,
    { from = 0, limit = Infinity }: { readonly from?: number; readonly limit?: number } = {},
  ): Promise<readonly RecordedEvent[]> {
    return this.stream(stream).slice(from, from + limit);
  }

  override async *subscribe({ after, prefixes, signal }: SubscribeOptions): AsyncGenerator<SubscriptionMessage> {
    let passed = after === undefined ? 0 : fromPosition(after);
    let announced = -1;
    while (!signal.aborted) {
      const next = this.events[passed];
      if (next !== undefined) {
        passed += 1;
        if (!prefixes || prefixes.some((prefix) => next.stream.startsWith(prefix)))
          yield { kind: 'event', event: next };
        else yield { kind: 'checkpoint', position: next.position };
      } else if (announced < passed) {
        announced = passed;
        yield { kind: 'caught_up' };
      } else {
        await this.grown(signal);
      }
    }
  }

  override end(): Promise<Position | undefined> {
    return this.head();
  }

  override async head(): Promise<Position | undefined> {
    return this.events.at(-1)?.position;
  }

  override async logId(): Promise<string> {
    return this.id;
  }

  override comparePositions(a: Position, b: Position): number {
    return fromPosition(a) - fromPosition(b);
  }

  override fraction(position: Position, head: Position): number {
    return fromPosition(position) / fromPosition(head);
  }

  override eventsBetween(after: Position | undefined, upTo: Position): number {
    return fromPosition(upTo) - (after === undefined ? 0 : fromPosition(after));
  }

  override async health(): Promise<void> {}

  stream(name: string): readonly RecordedEvent[] {
    return this.events.filter(({ stream }) => stream === name);
  }

  private grown(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
