import type { Clock } from './clock.js';
import type { Actor } from './command-context.js';
import { execute } from './command-execution.js';
import type { EventDraft } from './envelope.js';
import type { EventStore, Position, RecordedEvent } from './event-store.js';
import { type Hold, Holds, QUARANTINE_STREAM, STREAM_SET_ASIDE } from './holds.js';
import { quarantineDrafts } from './quarantine-drafts.js';
import { StreamDamaged } from './stream-damage.js';

/** The service itself: it finds the damage. */
const SERVICE: Actor = { type: 'system', id: 'quarantine' };
const BUDGET_MS = 4_000;
const PAGE = 500;
/**
 * An event that nobody in this process has passed yet may have been damaged, repaired and released before it comes here.
 * That takes an operator longer than this; so old may be what is known of holds when a new event is passed.
 */
const FRESH_MS = 1_000;

export interface QuarantineLog {
  warn(message: string, details: Record<string, string | number>): void;
}

/**
 * Which streams are set aside, in this process and by what the log says. A damaged stream is set aside by whoever meets
 * the damage first, once for all instances; the others stay what they are.
 */
export class Quarantine {
  private readonly known: Holds;
  private next = 0;
  /** Every damage that stands in the log up to here is known. */
  private asOf: Position | undefined;
  private catchingUp: Promise<void> | undefined;
  private caughtUpAt = -Infinity;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly log: QuarantineLog = { warn: () => undefined },
    private readonly freshMs = FRESH_MS,
  ) {
    this.known = new Holds(store);
  }

  get holds(): Holds {
    return this.known;
  }

  get open(): readonly Hold[] {
    return this.known.open;
  }

  isSetAside(stream: string): boolean {
    return this.known.openOf(stream) !== undefined;
  }

  /** @throws StreamDamaged the stream is set aside */
  refuse(stream: string): void {
    const hold = this.known.openOf(stream);
    if (hold !== undefined) throw new StreamDamaged(stream, hold.damage, hold.from);
  }

  /** Refuses work on a stream that is set aside, and sets aside what the work finds damaged. @throws StreamDamaged */
  async guard<T>(stream: string, work: () => Promise<T>): Promise<T> {
    this.refuse(stream);
    try {
      return await work();
    } catch (error) {
      await this.report(error);
      throw error;
    }
  }

  /** Sets aside the stream that an error names, if it names one. Never throws: the damage will be met again. */
  async report(error: unknown): Promise<void> {
    if (!(error instanceof StreamDamaged)) return;
    await this.setAside(error).catch((failure: unknown) => {
      this.log.warn('a damaged stream could not be set aside yet', { error: nameOf(failure) });
    });
  }

  /**
   * Resolves once the record stands in the log. Idempotent: a stream has one open hold at most.
   * @throws StoreUnavailable, OutcomeUnknown
   */
  async setAside(damaged: StreamDamaged): Promise<void> {
    if (this.isSetAside(damaged.stream) || damaged.stream === QUARANTINE_STREAM) return;
    const done = await execute(this.store, this.clock, {
      stream: QUARANTINE_STREAM,
      deadline: this.clock.now() + BUDGET_MS,
      expectNew: false,
      decide: (history) => Promise.resolve({ drafts: this.decide(history, damaged) }),
    });
    await this.catchUp();
    // Not the name: whoever wrote to the log may have put anything there. `admin customers set-aside` tells it.
    if (done.appended.length > 0) this.log.warn('a damaged stream was set aside', { damage: damaged.damage });
  }

  /** Reads what was recorded since, by whichever instance. @throws StoreUnavailable */
  catchUp(): Promise<void> {
    // One that has begun may have read before what the caller knows of was recorded.
    const before = this.catchingUp ?? Promise.resolve();
    const next = before.catch(() => undefined).then(() => this.read());
    this.catchingUp = next;
    return next;
  }

  /** Takes in a record that came along the log. @throws StoreUnavailable */
  async take(recorded: RecordedEvent): Promise<void> {
    if (recorded.revision > this.next) return this.catchUp();
    if (recorded.revision === this.next) this.apply(recorded);
  }

  /** Whether all up to the position was looked at here: what it held of damage is known. */
  hasPassed(position: Position): boolean {
    return this.asOf !== undefined && this.store.comparePositions(this.asOf, position) >= 0;
  }

  /** Whether every hold is known that concerns an event at this position. */
  knows(position: Position): boolean {
    return performance.now() - this.caughtUpAt < this.freshMs || this.hasPassed(position);
  }

  /** All that stands in the log up to here was looked at. */
  passed(position: Position): void {
    if (!this.hasPassed(position)) this.asOf = position;
  }

  private async read(): Promise<void> {
    for (;;) {
      const asked = performance.now();
      const page = await this.store.read(QUARANTINE_STREAM, { from: this.next, limit: PAGE }).catch(ifDamaged);
      for (const recorded of page) this.apply(recorded);
      this.caughtUpAt = asked;
      if (page.length < PAGE) return;
    }
  }

  private apply(recorded: RecordedEvent): void {
    if (recorded.revision < this.next) return;
    this.known.apply(recorded);
    this.next = recorded.revision + 1;
  }

  private decide(
    history: readonly RecordedEvent[],
    { stream, damage, revision }: StreamDamaged,
  ): readonly EventDraft[] {
    const holds = new Holds(this.store);
    for (const recorded of history) holds.apply(recorded);
    if (holds.openOf(stream) !== undefined) return [];
    const data = { stream, damage, ...(revision !== undefined && { from: revision }) };
    return quarantineDrafts([{ type: STREAM_SET_ASIDE, data }], SERVICE, history.at(-1), this.clock.now());
  }
}

/** The record itself was deleted: what is known in this process is all there is. */
function ifDamaged(error: unknown): readonly RecordedEvent[] {
  if (error instanceof StreamDamaged) return [];
  throw error;
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
