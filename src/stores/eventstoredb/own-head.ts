import { type AllStreamResolvedEvent, END, type ReadPosition } from '@eventstore/db-client';
import type { Position } from '../../event-sourcing/event-store.js';
import { isSystemType } from './event-messages.js';
import { comparePositions, toPosition } from './log-positions.js';

/** Mostly the newest event is the wanted one; the further back it lies, the more is read at once. */
const PAGES = [4, 50, 500] as const;

type Backwards = (from: ReadPosition, count: number) => Promise<readonly AllStreamResolvedEvent[]>;

/**
 * The newest event in the service's own streams. The server can't filter while it reads backwards, so what others wrote is
 * passed over here: each of their events once, since the place that was looked at is remembered.
 */
export class OwnHead {
  private known: { readonly end: Position; readonly head: Position | undefined } | undefined;
  private looking: Promise<Position | undefined> | undefined;

  constructor(
    private readonly backwards: Backwards,
    private readonly prefixes: readonly string[],
  ) {}

  /** Whoever asks while one looks for it waits for the next look: what is found was there after the asking. */
  async find(): Promise<Position | undefined> {
    if (this.looking !== undefined) await this.looking.catch(() => undefined);
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async look(): Promise<Position | undefined> {
    let from: ReadPosition = END;
    let end: Position | undefined;
    for (let step = 0; ; step += 1) {
      const count = PAGES[Math.min(step, PAGES.length - 1)] ?? 500;
      const page = await this.backwards(from, count);
      for (const { event } of page) {
        if (event === undefined) continue;
        const position = toPosition(event.position);
        end ??= position;
        if (this.known !== undefined && !isBehind(this.known.end, end)) this.known = undefined;
        const reached = this.known !== undefined && comparePositions(position, this.known.end) <= 0;
        const own = this.isOwn(event.streamId) && !isSystemType(event.type);
        if (reached || own) return this.remember(end, reached && !own ? this.known?.head : position);
      }
      const last: ReadPosition | undefined = page.at(-1)?.event?.position;
      if (last === undefined || page.length < count)
        return end === undefined ? undefined : this.remember(end, undefined);
      from = last;
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

/** A log that ends before the place where it ended once was wiped or restored: what was known of it is of no use. */
const isBehind = (known: Position, end: Position): boolean => comparePositions(known, end) <= 0;
