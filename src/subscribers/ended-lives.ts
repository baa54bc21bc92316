import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { keyEndedBy } from '../customers/read-model/customer-erasures.js';
import type { EventStore, RecordedEvent } from '../event-sourcing/event-store.js';
import { RepeatedFailure } from '../event-sourcing/repeated-failure.js';
import { followerLog } from '../follower-log.js';
import type { KeyRing } from '../privacy/key-ring.js';
import type { KeyRef } from '../privacy/subject-keys.js';
import type { Endings } from './cloud-event.js';
import type { LogTail } from './log-tail.js';

const PATIENCE_MS = 2_000;
const SWEEP_MS = 10_000;
const SWEPT_AT_ONCE = 500;

/**
 * The lives that the log says are over while their keys may still be there: from the command to the destruction, which a
 * follower sees to, and for as long after as a key may be held in this process. Those that ended before the start are no
 * concern, for nothing is served until their keys are destroyed.
 */
export class EndedLives implements Endings, OnModuleInit, OnModuleDestroy {
  private readonly failing = new RepeatedFailure({
    log: followerLog(EndedLives.name),
    what: 'Ended lives could not be swept',
  });
  private readonly lives = new Map<string, KeyRef>();
  private sweeping: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly tail: LogTail,
    private readonly keys: KeyRing,
  ) {
    tail.listen((events) => this.take(events));
  }

  onModuleInit(): void {
    this.sweeping = setInterval(() => void this.sweep(), SWEEP_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeping);
  }

  async upToDate(): Promise<void> {
    const head = await this.store.head();
    if (head !== undefined) await this.tail.reached(head, PATIENCE_MS);
  }

  has(ref: KeyRef): boolean {
    return this.lives.has(nameOf(ref));
  }

  private take(events: readonly RecordedEvent[]): void {
    for (const recorded of events) {
      const ref = keyEndedBy(recorded);
      if (ref !== undefined) this.lives.set(nameOf(ref), ref);
    }
  }

  /** What the key ring knows as erased is remembered there, or in the store, for good. */
  private async sweep(): Promise<void> {
    const refs = [...this.lives.values()].slice(0, SWEPT_AT_ONCE);
    if (refs.length === 0) return;
    try {
      const found = await this.keys.findMany(refs);
      for (const [index, ref] of refs.entries()) if (found[index] === 'erased') this.lives.delete(nameOf(ref));
      this.failing.recovered();
    } catch (error) {
      this.failing.failed(error);
    }
  }
}

const nameOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;
