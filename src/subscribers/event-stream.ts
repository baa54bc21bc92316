import type { ServerResponse } from 'node:http';
import type { Position, RecordedEvent } from '../event-sourcing/event-store.js';
import type { Quarantine } from '../event-sourcing/quarantine.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { StreamDamaged } from '../event-sourcing/stream-damage.js';
import { Bell } from './bell.js';
import type { EventFrames } from './event-frames.js';
import type { EventReader, Stretch } from './event-reader.js';
import type { LogCursors } from './log-cursors.js';
import type { LogTail } from './log-tail.js';

export interface StreamParts {
  readonly tail: LogTail;
  readonly frames: EventFrames;
  readonly cursors: LogCursors;
  readonly quarantine: Pick<Quarantine, 'setAside'>;
}

const BACKOFF_MS = { first: 100, most: 2_000 };

/**
 * One reader's stream of server-sent events. It writes as fast as the reader takes and holds one stretch at most for one
 * who does not. A store that is away is waited for, with comments meanwhile: the reader need do nothing.
 */
export class EventStream {
  private readonly bell = new Bell();
  private ended = false;
  /** Read, and not written yet. */
  private pending: Stretch | undefined;
  private position: Position | undefined;
  /** The reader knows of it. */
  private told: Position | undefined;
  private blockedSince: number | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly reader: EventReader,
    private readonly pii: boolean,
    private readonly parts: StreamParts,
    /** Milliseconds after which a reader that was cut off is to come back; told with the first event. */
    private retry?: number,
  ) {}

  /** Since when the reader has taken nothing, by the clock of `performance`; undefined while it does. */
  get blocked(): number | undefined {
    return this.blockedSince;
  }

  /** Reads the first stretch, where the log is needed for it: what fails now can still be answered. */
  async prepare(): Promise<void> {
    if (!this.reader.isInTail) this.pending = await this.reader.next();
  }

  /** Resolves when the stream is over. @throws UnknownEventType, MalformedEvent, RangeError after ending it */
  async run(): Promise<void> {
    const leave = this.parts.tail.ringOnGrowth(this.bell);
    const ring = (): void => this.bell.ring();
    this.response.on('close', () => this.end()).on('error', ring);
    this.response.on('drain', ring);
    try {
      if (this.response.closed) this.end();
      await this.write();
    } finally {
      leave();
      this.ended = true;
      this.response.end();
    }
  }

  /** Ends it where a reader can go on: between two events. */
  end(): void {
    this.ended = true;
    this.bell.ring();
  }

  /** Cuts it off: whoever does not read would keep even the end from being sent. */
  destroy(): void {
    this.end();
    this.response.destroy();
  }

  /** A comment, which keeps proxies from giving up, and how far a filter was passed meanwhile. */
  beat(): void {
    if (this.ended || this.response.writableNeedDrain) return;
    const moved = this.position !== undefined && this.position !== this.told;
    this.response.write(moved ? `:\nid: ${this.parts.cursors.write(this.position)}\n\n` : ':\n');
    this.told = this.position;
  }

  private async write(): Promise<void> {
    for (let failures = 0; !this.ended;) {
      try {
        const wrote = await this.step();
        failures = 0;
        if (!wrote) await this.bell.heard();
      } catch (error) {
        if (!(error instanceof StreamDamaged || error instanceof StoreUnavailable)) throw error;
        if (error instanceof StreamDamaged && (await this.setAside(error))) continue;
        await this.pause(failures);
        failures += 1;
      }
    }
  }

  /** @returns false when there is nothing to do until something changes */
  private async step(): Promise<boolean> {
    if (this.response.writableNeedDrain) {
      this.blockedSince ??= performance.now();
      return false;
    }
    this.blockedSince = undefined;
    this.pending ??= await this.reader.next();
    if (this.pending === undefined) return false;
    const { bytes, ends } = await this.parts.frames.of(this.pending, this.pii);
    if (this.ended) return false;
    this.position = this.pending.position;
    this.pending = undefined;
    if (bytes === undefined) return true;
    if (this.retry !== undefined) this.response.write(`retry: ${this.retry}\n`);
    this.retry = undefined;
    this.response.write(bytes);
    this.told = this.position;
    if (ends) this.end();
    return true;
  }

  /** Only opening a value has shown it: what was read goes on without it. @returns false when it can't be recorded yet */
  private async setAside(damaged: StreamDamaged): Promise<boolean> {
    try {
      await this.parts.quarantine.setAside(damaged);
    } catch {
      return false;
    }
    if (this.pending === undefined) return true;
    const { events, position } = this.pending;
    const { stream: damagedStream, revision = 0 } = damaged;
    const isSound = ({ stream, revision: at }: RecordedEvent): boolean => stream !== damagedStream || at < revision;
    this.pending = { events: events.filter(isSound), position };
    return true;
  }

  private async pause(failures: number): Promise<void> {
    const until = performance.now() + Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.most);
    while (!this.ended && performance.now() < until) await this.bell.heard(until - performance.now());
  }
}
