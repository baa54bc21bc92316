/**
 * Tells waiting subscriptions that the log has grown: at once for an append of this process, by one shared poll for those
 * of another.
 */
export class LogWatch {
  private count = 0;
  private head = 0;
  private followers = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly readHead: () => number,
    private readonly pollMs: number,
  ) {}

  /** Polling goes on while at least one has joined. @returns the way to leave */
  join(): () => void {
    this.followers += 1;
    this.timer ??= setInterval(() => this.poll(), this.pollMs).unref();
    return () => {
      this.followers -= 1;
      if (this.followers === 0) this.stopPolling();
    };
  }

  /** Taken before reading; growth after it ends the wait for it at once. */
  ticket(): number {
    return this.count;
  }

  grown(head: number): void {
    this.head = Math.max(this.head, head);
    this.wake();
  }

  async changed(ticket: number, signal: AbortSignal): Promise<void> {
    if (this.count !== ticket || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Wakes everyone, so that each finds out by its own reading what happened. */
  wake(): void {
    this.count += 1;
    for (const done of [...this.waiting]) done();
  }

  private poll(): void {
    try {
      const head = this.readHead();
      if (head > this.head) this.grown(head);
    } catch {
      this.wake();
    }
  }

  private stopPolling(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
