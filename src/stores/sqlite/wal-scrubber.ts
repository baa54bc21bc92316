import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { SqliteDatabase } from './database.js';

/** How long a caller is kept waiting for a reader in another process to finish; the work goes on after that. */
const KEEP_WAITING_MS = 2000;
const RETRY_MS = 1000;
const SOON_MS = 100;

/**
 * What was overwritten still stands in the write-ahead log and, until that is moved over, in the file. Emptying the log
 * removes the last copy; a reader elsewhere can hold that up, so it is tried until done.
 */
export class WalScrubber {
  private dirty = false;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: SqliteDatabase) {}

  /** Something was overwritten: {@link scrub} has work to do. */
  soiled(): void {
    this.dirty = true;
  }

  /** Shared by all who ask in one turn. */
  async scrub(): Promise<void> {
    if (!this.dirty) return;
    this.running ??= this.run();
    await this.running;
  }

  /** For callers that need not wait: soon, once for all that comes until then. */
  soon(): void {
    this.dirty = true;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.scrub().catch(() => this.goOnLater());
    }, SOON_MS).unref();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    await turn();
    this.running = undefined;
    const patientUntil = performance.now() + KEEP_WAITING_MS;
    while (!(await this.tryOnce())) {
      if (performance.now() > patientUntil) {
        this.goOnLater();
        return;
      }
      await delay(5 + Math.random() * 10);
    }
  }

  private async tryOnce(): Promise<boolean> {
    if (!this.dirty) return true;
    // Before the attempt, so that what is overwritten meanwhile counts as not yet removed.
    this.dirty = false;
    try {
      if (await this.database.read(() => this.database.emptyWriteAheadLog())) return true;
    } catch (error) {
      this.dirty = true;
      throw error;
    }
    this.dirty = true;
    return false;
  }

  private goOnLater(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.tryOnce().then(
        (done) => done || this.goOnLater(),
        () => this.goOnLater(),
      );
    }, RETRY_MS).unref();
  }
}
