import type { Change, Connection } from './connection.js';
import { isBusy, isDamage, isOutOfReach } from './driver-errors.js';

/**
 * Decides by reading and may refuse by throwing; what it returns then writes. All refusing is done before the first
 * write, so that jobs share a transaction and each is still wholly done or not at all, without a savepoint.
 */
export type Job<T> = () => () => T;

interface Waiting {
  readonly job: Job<unknown>;
  readonly isLasting: boolean;
  readonly since: number;
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
}

/** So that a flood of writes does not keep the reads of the same thread waiting for long. */
const JOBS_PER_TRANSACTION = 256;

/**
 * Writes that arrive in one turn of the event loop share one transaction and so one sync to disk. Results are given out
 * only once it is committed; if it can't be, all its jobs are rejected. A job may be decided several times.
 */
export class GroupCommit {
  private readonly queue: Waiting[] = [];
  private scheduled = false;
  private readonly begin: Change;
  private readonly commit: Change;
  private readonly idle: (() => void)[] = [];
  /** What was last set, and for which opening of the file. */
  private synced: { readonly opening: number; readonly syncs: boolean };

  constructor(
    private readonly connection: Connection,
    /** How long a job waits for another process's transaction before it is given up. */
    private readonly patienceMs: number,
    /** Whether the connection syncs each commit to disk, for jobs that are to last. */
    private readonly durability: 'full' | 'normal' = 'normal',
  ) {
    this.synced = { opening: connection.opening, syncs: durability === 'full' };
    this.begin = connection.change('BEGIN IMMEDIATE');
    this.commit = connection.change('COMMIT');
  }

  /** @param isLasting false for what a power cut may take back: alone in a transaction, it is not synced */
  run<T>(job: Job<T>, isLasting = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ job, isLasting, since: performance.now(), resolve, reject });
      this.schedule();
    });
  }

  /** Resolves once nothing waits any more. */
  drained(): Promise<void> {
    if (this.queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  private schedule(delayMs?: number): void {
    if (this.scheduled) return;
    this.scheduled = true;
    if (delayMs === undefined) setImmediate(() => this.flush());
    else setTimeout(() => this.flush(), delayMs);
  }

  private flush(): void {
    this.scheduled = false;
    const retryIn = this.flushNow();
    if (this.queue.length > 0) this.schedule(retryIn);
    else for (const resolve of this.idle.splice(0)) resolve();
  }

  /** @returns how long to wait before the next try; undefined when it need not wait */
  private flushNow(): number | undefined {
    try {
      this.syncCommit(this.queue.slice(0, JOBS_PER_TRANSACTION).some(({ isLasting }) => isLasting));
      this.begin.run();
    } catch (error) {
      if (isBusy(error)) return this.dropTheTired(error);
      this.rejectAll(this.queue.splice(0), error);
      return undefined;
    }
    this.commitTogether(this.queue.splice(0, JOBS_PER_TRANSACTION));
    return undefined;
  }

  /** A later commit that is synced takes all before it to disk too: what lasts never rests on what may be lost. */
  private syncCommit(syncs: boolean): void {
    if (this.durability === 'normal') return;
    const { opening } = this.connection;
    if (opening !== this.synced.opening) this.synced = { opening, syncs: true };
    if (syncs === this.synced.syncs) return;
    this.connection.exec(`PRAGMA synchronous = ${syncs ? 'FULL' : 'NORMAL'}`);
    this.synced = { opening: this.connection.opening, syncs };
  }

  private commitTogether(jobs: Waiting[]): void {
    const settle: (() => void)[] = [];
    for (const [index, waiting] of jobs.entries()) {
      try {
        settle.push(this.perform(waiting));
      } catch (error) {
        this.connection.rollBack();
        if (isOutOfReach(error) && !isDamage(error)) {
          this.rejectAll(jobs, error);
          return;
        }
        waiting.reject(error);
        // A fault of this one job, or of the page it needs: the others begin anew without it.
        this.queue.unshift(...jobs.toSpliced(index, 1));
        return;
      }
    }
    try {
      this.commit.run();
    } catch (error) {
      this.connection.rollBack();
      this.rejectAll(jobs, new CommitFailed({ cause: error }));
      return;
    }
    for (const give of settle) give();
  }

  /** @throws what happened while writing, or anything that has cost the transaction */
  private perform({ job, resolve, reject }: Waiting): () => void {
    let write: () => unknown;
    try {
      write = job();
    } catch (error) {
      if (!this.connection.inTransaction) throw error;
      return () => reject(error);
    }
    const result = write();
    return () => resolve(result as never);
  }

  /** Jitter, since two processes that wait alike would meet again. */
  private dropTheTired(error: unknown): number {
    const now = performance.now();
    const patient = this.queue.findIndex(({ since }) => now - since < this.patienceMs);
    this.rejectAll(this.queue.splice(0, patient === -1 ? this.queue.length : patient), error);
    return 2 + Math.random() * 10;
  }

  private rejectAll(jobs: readonly Waiting[], error: unknown): void {
    for (const { reject } of jobs) reject(error);
  }
}

/** The transaction was written but its end not confirmed: it may or may not survive a crash from here. */
export class CommitFailed extends Error {
  override readonly name = 'CommitFailed';
  constructor(options: ErrorOptions) {
    super('The transaction was not confirmed', options);
  }
}
