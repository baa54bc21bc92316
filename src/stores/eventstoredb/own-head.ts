import { type AllStreamResolvedEvent, END, type ReadPosition } from '@eventstore/db-client';
import type { Position, SubscriptionMessage } from '../../event-sourcing/event-store.js';
import type { PassedPlace } from '../../event-sourcing/passed-place.js';
import { isSystemType } from './event-messages.js';
import { comparePositions, toPosition } from './log-positions.js';

/** Of events read backwards: mostly one of the newest is the wanted one. */
const NEAR = [4, 50] as const;
/** The same where no place is known from which to read forwards, short of the beginning of the log. */
const NEAR_ENOUGH = [...NEAR, 500] as const;

export interface OwnHeadLog {
  /** So many events before a place, newest first, whoever wrote them. @throws StoreUnavailable */
  backwards(from: ReadPosition, count: number): Promise<readonly AllStreamResolvedEvent[]>;
  /**
   * Hands out what is the service's own after a place, and marks; resolves once all is handed out that was in the log. The
   * place is asked for again when a connection breaks. @throws StoreUnavailable
   */
  catchUp(after: () => Position | undefined, take: (message: SubscriptionMessage) => void): Promise<void>;
}

type Page = readonly AllStreamResolvedEvent[];

interface Known {
  readonly end: Position;
  /** The newest own event up to there. */
  readonly head: Position | undefined;
}

/**
 * The newest event in the service's own streams. The server does not filter while it reads backwards, and does forwards. So
 * the newest events are looked at one by one, and then the log is caught up with from a place that is known. What was passed
 * once is not read again, also where a look fails in between.
 */
export class OwnHead {
  private known: Known | undefined;
  private looking: Promise<Position | undefined> | undefined;

  /** @param passed what is known from before this process */
  constructor(
    private readonly log: OwnHeadLog,
    private readonly passed: () => Promise<PassedPlace | undefined>,
    private readonly prefixes: readonly string[],
  ) {}

  /**
   * A call while another looks waits for the next look: what is found was there after the call.
   * @throws StoreUnavailable
   */
  async find(): Promise<Position | undefined> {
    if (this.looking !== undefined) await this.looking.catch(() => undefined);
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** A place up to which nothing of the service's own lies after the given one; undefined when none is known. */
  placeBehind(after: Position | undefined): Position | undefined {
    if (this.known === undefined) return undefined;
    const { head, end } = this.known;
    const isNewest = head === undefined || (after !== undefined && !isAfter(head, after));
    return isNewest && (after === undefined || isAfter(end, after)) ? end : undefined;
  }

  private async look(): Promise<Position | undefined> {
    const [newest] = await this.log.backwards(END, 1);
    if (newest?.event === undefined) {
      this.known = undefined;
      return undefined;
    }
    const end = toPosition(newest.event.position);
    // The log was wiped or restored.
    if (this.known !== undefined && isAfter(this.known.end, end)) this.known = undefined;
    const near = this.foundIn([newest]) ?? (await this.near(newest, end));
    if (near !== undefined) return this.remember(end, near.head);
    await this.log.catchUp(
      () => this.known?.end,
      (message) => this.take(message, end),
    );
    return this.remember(later(this.known?.end, end), this.known?.head);
  }

  /** Undefined when the own event lies further back, or the server is too slow: others may write large events. */
  private async near(newest: AllStreamResolvedEvent, end: Position): Promise<Pick<Known, 'head'> | undefined> {
    this.known ??= await this.knownBefore(end);
    let found = this.foundIn([newest]);
    let from: ReadPosition | undefined = newest.event?.position;
    for (const count of this.known === undefined ? NEAR_ENOUGH : NEAR) {
      if (found !== undefined || from === undefined) return found;
      const page: Page | undefined = await this.log.backwards(from, count).catch(() => undefined);
      if (page === undefined) return undefined;
      found = this.foundIn(page) ?? (page.length < count ? { head: undefined } : undefined);
      from = page.at(-1)?.event?.position;
    }
    return found;
  }

  private async knownBefore(end: Position): Promise<Known | undefined> {
    const passed = await this.passed().catch(() => undefined);
    return passed === undefined || isAfter(passed.upTo, end) ? undefined : { end: passed.upTo, head: passed.newest };
  }

  private foundIn(page: Page): Pick<Known, 'head'> | undefined {
    for (const { event } of page) {
      if (event === undefined) continue;
      const position = toPosition(event.position);
      if (this.isOwn(event.streamId) && !isSystemType(event.type)) return { head: position };
      if (this.known !== undefined && !isAfter(position, this.known.end)) return { head: this.known.head };
    }
    return undefined;
  }

  private take(message: SubscriptionMessage, end: Position): void {
    if (message.kind === 'event') {
      const { position } = message.event;
      this.known = { end: later(this.known?.end, position), head: position };
    } else if (message.kind === 'checkpoint') {
      // A mark may lie where the next event will stand, which is not in the log yet.
      const upTo = isAfter(message.position, end) ? end : message.position;
      this.known = { end: later(this.known?.end, upTo), head: this.known?.head };
    }
  }

  private remember(end: Position, head: Position | undefined): Position | undefined {
    this.known = { end, head };
    return head;
  }

  private isOwn(stream: string): boolean {
    return this.prefixes.some((prefix) => stream.startsWith(prefix));
  }
}

const isAfter = (one: Position, other: Position): boolean => comparePositions(one, other) > 0;

const later = (one: Position | undefined, other: Position): Position =>
  one !== undefined && isAfter(one, other) ? one : other;
