/** Resident memory of this process, in MB. */
export interface MemoryUse {
  readonly start: number;
  /** The most in the first half of the time, and in the second: what grows with the work shows in the second. */
  readonly firstHalf: number;
  readonly secondHalf: number;
}

const EVERY_MS = 20;
const MB = 1024 * 1024;

/** Looks at this process's resident memory again and again, whenever the event loop gets a turn. */
export class MemoryWatch {
  private readonly seen = [residentMb()];
  private readonly timer = setInterval(() => this.seen.push(residentMb()), EVERY_MS).unref();

  end(): MemoryUse {
    clearInterval(this.timer);
    this.seen.push(residentMb());
    const middle = Math.ceil(this.seen.length / 2);
    const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
    return {
      start: this.seen[0] ?? 0,
      firstHalf: most(this.seen.slice(0, middle)),
      secondHalf: most(this.seen.slice(middle)),
    };
  }
}

const residentMb = (): number => process.memoryUsage.rss() / MB;
