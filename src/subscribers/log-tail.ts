import { setTimeout as delay } from 'node:timers/promises';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { CUSTOMER_PREFIX } from '../customers/streams.js';
import { batches } from '../event-sourcing/batches.js';
import type { EventStore, Position, RecordedEvent } from '../event-sourcing/event-store.js';
import { gathered } from '../event-sourcing/gathering.js';
import { NewestWindow, type WindowSize } from '../event-sourcing/newest-window.js';
import { RepeatedFailure } from '../event-sourcing/repeated-failure.js';
import { AnotherLog, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { followerLog } from '../follower-log.js';
import { Bell } from './bell.js';
import { charactersOf } from './event-size.js';

const SIZE: WindowSize = { events: 2_000, characters: 4_000_000 };
const BATCH = 500;
const BACKOFF_MS = { first: 100, most: 2_000 };

/**
 * The newest customer events, as they are stored, from one subscription that all readers of this process share. Places in
 * it are counted from its start; what is older than it holds is read from the log. It goes on by itself after an outage.
 */
export class LogTail implements OnModuleInit, OnModuleDestroy {
  private readonly failing = new RepeatedFailure({
    log: followerLog(LogTail.name),
    what: 'The log could not be followed',
  });
  private readonly stopping = new AbortController();
  private readonly bells = new Set<Bell>();
  private readonly listeners = new Set<(events: readonly RecordedEvent[]) => void>();
  private running: Promise<void> = Promise.resolve();
  private readonly window: NewestWindow<RecordedEvent>;
  /** The place of the first event that is held. */
  private first = 0;
  /** Where it begins, exclusive, and how far it has come. */
  private floor: Position | undefined;
  private passed: Position | undefined;

  constructor(
    private readonly store: EventStore,
    size: WindowSize = SIZE,
  ) {
    this.window = new NewestWindow(size, charactersOf);
  }

  /** Begins at the end the log has now. @throws StoreUnavailable */
  async onModuleInit(): Promise<void> {
    this.floor = this.passed = await this.store.head();
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** The place of the next event. */
  get end(): number {
    return this.first + this.window.held.length;
  }

  /** Hears of the events as they come, before any reader can get them from here. */
  listen(listener: (events: readonly RecordedEvent[]) => void): void {
    this.listeners.add(listener);
  }

  /** @returns the way to leave */
  ringOnGrowth(bell: Bell): () => void {
    this.bells.add(bell);
    return () => this.bells.delete(bell);
  }

  /** The place of the first event after the position; undefined when it lies before what is held, or ahead of it. */
  placeAfter(position: Position | undefined): number | undefined {
    return this.isAhead(position) ? undefined : this.placeNext(position);
  }

  /** As {@link placeAfter}, for a position that is known to be in the log: this may not have come so far. */
  placeNext(position: Position | undefined): number | undefined {
    if (this.floor !== undefined && (position === undefined || this.compare(position, this.floor) < 0))
      return undefined;
    if (position === undefined) return this.first;
    return this.first + this.window.countPassed((event) => this.compare(event.position, position) <= 0);
  }

  /** At most `limit` events from a place on; none at the end; undefined when they are no longer held. */
  from(place: number, limit: number): readonly RecordedEvent[] | undefined {
    return place < this.first ? undefined : this.window.held.slice(place - this.first, place - this.first + limit);
  }

  /** Resolves once everything up to the position has come through here. @throws StoreUnavailable not in time */
  async reached(position: Position, withinMs: number): Promise<void> {
    if (!this.isAhead(position)) return;
    const bell = new Bell();
    const leave = this.ringOnGrowth(bell);
    const due = performance.now() + withinMs;
    try {
      while (this.isAhead(position)) {
        if (!(await bell.heard(due - performance.now()))) throw new StoreUnavailable('event_log');
      }
    } finally {
      leave();
    }
  }

  private isAhead(position: Position | undefined): boolean {
    if (position === undefined) return false;
    return this.passed === undefined || this.compare(position, this.passed) > 0;
  }

  private compare(a: Position, b: Position): number {
    return this.store.comparePositions(a, b);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.follow(() => {
          failures = 0;
          this.failing.recovered();
        });
      } catch (error) {
        failures += 1;
        if (!signal.aborted && !(error instanceof AnotherLog)) this.failing.failed(error);
      }
      const pause = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.most) * (0.5 + Math.random() / 2);
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  private async follow(onProgress: () => void): Promise<void> {
    const { signal } = this.stopping;
    // Of every stream of the service: only so is the head of the log sure to be passed.
    for await (const batch of batches(this.store.subscribe({ after: this.passed, signal }), BATCH)) {
      const events = batch.events.filter(({ stream }) => stream.startsWith(CUSTOMER_PREFIX));
      if (events.length > 0) this.hold(events);
      if (batch.position !== undefined) this.passed = batch.position;
      onProgress();
      for (const bell of this.bells) bell.ring();
      if (batch.caughtUp) await gathered();
    }
  }

  private hold(events: readonly RecordedEvent[]): void {
    for (const listener of this.listeners) listener(events);
    for (const event of events) this.window.add(event);
    const dropped = this.window.dropOldest();
    this.floor = dropped.at(-1)?.position ?? this.floor;
    this.first += dropped.length;
  }
}
