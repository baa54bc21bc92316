import type { EventStore } from './event-store.js';
import type { FollowerStatus, LogFollower } from './log-follower.js';
import { type FailureLog, RepeatedFailure } from './repeated-failure.js';
import { AnotherLog } from './store-errors.js';

export interface NamedFollower {
  readonly name: string;
  readonly follower: LogFollower;
  /** Whether requests are served only once this follower has passed the head of the log seen at start. */
  readonly beforeServing: boolean;
}

const OBSERVE_EVERY_MS = 1_000;
const EXCHANGED = 'the event log is another log than the one this service works with: nothing is read or written';

/** All that follows the log in this process. */
export class LogFollowers {
  private observing: NodeJS.Timeout | undefined;
  private looking = false;
  private readonly exchanged: RepeatedFailure;

  constructor(
    private readonly store: EventStore,
    private readonly all: readonly NamedFollower[],
    log: FailureLog,
  ) {
    this.exchanged = new RepeatedFailure({ log, what: EXCHANGED });
  }

  /** @throws LogMismatch the log is not the one that was followed before */
  async start(): Promise<void> {
    // From here on an exchanged log is noticed, also by an instance that follows nothing.
    await this.store.logId();
    for (const { follower } of this.all) await follower.verifyCheckpoint();
    const head = await this.store.head();
    for (const { follower } of this.all) follower.start();
    this.observing = setInterval(() => void this.observe(), OBSERVE_EVERY_MS);
    if (head === undefined) return;
    await Promise.all(
      this.all.filter(({ beforeServing }) => beforeServing).map(({ follower }) => follower.reached(head)),
    );
  }

  /** Resolves once every follower has passed what is in the log now. */
  async settled(): Promise<void> {
    const head = await this.store.head();
    if (head !== undefined) await Promise.all(this.all.map(({ follower }) => follower.reached(head)));
  }

  async stop(): Promise<void> {
    clearInterval(this.observing);
    await Promise.all(this.all.map(({ follower }) => follower.stop()));
  }

  get status(): Readonly<Record<string, FollowerStatus>> {
    return Object.fromEntries(this.all.map(({ name, follower }) => [name, follower.status]));
  }

  private async observe(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      await this.store.health();
      this.exchanged.recovered();
      const head = await this.store.head();
      if (head !== undefined) for (const { follower } of this.all) follower.observe(head);
    } catch (error) {
      // An outage is told by everybody who needs the log.
      if (error instanceof AnotherLog) this.exchanged.failed(error, { reason: error.reason });
    } finally {
      this.looking = false;
    }
  }
}
