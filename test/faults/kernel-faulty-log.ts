import { randomUUID } from 'node:crypto';
import { Clock } from '../../src/event-sourcing/clock.js';
import { chain, type EventDraft, readMetadata, SCHEMA_VERSION } from '../../src/event-sourcing/envelope.js';
import type {
  Appended,
  EventToAppend,
  ExpectedRevision,
  RecordedEvent,
  StreamEvent,
} from '../../src/event-sourcing/event-store.js';
import { WrongExpectedRevision } from '../../src/event-sourcing/event-store.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { MemoryLog } from './kernel-log.js';

/** Moves only when told to. */
export class HandClock extends Clock {
  time = Date.parse('2026-01-01T00:00:00.000Z');
  override now(): number {
    return this.time;
  }
}

/** What happens to one call. */
export type Fault =
  | 'none'
  | 'the answer is lost'
  | 'the request is lost'
  | 'hangs after writing'
  | 'hangs for ever'
  | 'lands late'
  | 'the store is down'
  | 'another is faster';

/** How long a call that hangs is waited for, in real time: budgets in these tests leave just so much. */
export const HANG_MS = 60;

/** A log that does what logs on other machines do. */
export class FaultyLog extends MemoryLog {
  /** For the appends to come, one each; `otherwise` for those after them. */
  readonly onAppend: Fault[] = [];
  otherwise: Fault | (() => Fault) = 'none';
  readonly onRead: Fault[] = [];
  /** Does not know an append again. */
  forgetful = false;
  appends = 0;
  reads = 0;

  constructor(private readonly clock: HandClock) {
    super('log', () => clock.now());
  }

  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    this.appends += 1;
    const { otherwise } = this;
    const fault = this.onAppend.shift() ?? (typeof otherwise === 'function' ? otherwise() : otherwise);
    switch (fault) {
      case 'none':
        return this.write(stream, expected, events);
      case 'the answer is lost':
        await this.write(stream, expected, events);
        throw new OutcomeUnknown();
      case 'the request is lost':
        throw new OutcomeUnknown();
      case 'hangs after writing':
        await this.write(stream, expected, events);
        return this.hang();
      case 'hangs for ever':
        return this.hang();
      case 'lands late':
        setTimeout(() => void this.write(stream, expected, events).catch(() => undefined), 2 * HANG_MS);
        return this.hang();
      case 'the store is down':
        this.clock.time += HANG_MS;
        throw new StoreUnavailable('event_log');
      case 'another is faster':
        await this.rivalAppends(stream);
        return this.write(stream, expected, events);
      default:
        return fault satisfies never;
    }
  }

  override async read(...args: Parameters<MemoryLog['read']>): Promise<readonly RecordedEvent[]> {
    this.reads += 1;
    const fault = this.onRead.shift() ?? 'none';
    if (fault === 'the store is down') throw new StoreUnavailable('event_log');
    return fault === 'hangs for ever' ? this.hang() : super.read(...args);
  }

  async rivalAppends(stream: string): Promise<void> {
    const last = this.stream(stream).at(-1);
    const [event] = following(stream, last, [draft('Rival')]);
    if (event !== undefined) await super.append(stream, expectedBy([event]), [event]);
  }

  private async write(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<Appended> {
    const first = expected === 'no_stream' ? 0 : expected + 1;
    if (this.forgetful && this.stream(stream).length > first) throw new WrongExpectedRevision(stream, expected);
    return super.append(stream, expected, events);
  }

  private hang(): Promise<never> {
    this.clock.time += HANG_MS;
    return new Promise(() => undefined);
  }
}

export const draft = (type: string, data: EventDraft['data'] = {}): EventDraft => ({
  type,
  data,
  metadata: {
    $correlationId: 'test',
    $causationId: 'test',
    commandId: randomUUID(),
    actor: { type: 'system', id: 'test' },
    requestId: 'test',
    at: 0,
    schemaVersion: SCHEMA_VERSION,
  },
});

/** Events with their place after `last`. */
export const following = (
  stream: string,
  last: StreamEvent | undefined,
  drafts: readonly EventDraft[],
): readonly StreamEvent[] => chain(stream, last && { revision: last.revision, hash: readMetadata(last).hash }, drafts);

export function expectedBy([first]: readonly StreamEvent[]): ExpectedRevision {
  return first === undefined || first.revision === 0 ? 'no_stream' : first.revision - 1;
}

/** Resolves once it holds; the runner's time limit ends a wait in vain. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
