/** While nothing is known of the server. */
const FIRST_MS = 250;
const LEAST_MS = 100;
/** Of how long answers take, on top of the least. */
const MULTIPLE = 2;
/** The mean is about so many answers. */
const REMEMBERED = 16;
const MOST_SENDS = 5;
/** So many appends that were sent again may wait for their answer at once: a server that is slow or frozen gets no more. */
const MOST_IN_DOUBT = 8;
/** So many answers in a row to appends that were sent again are no accident: the server is slow, and dropped none of them. */
const NO_ACCIDENT = 4;

/**
 * When an append to which nothing was answered is sent again, for all appends of one client. A server that answers slowly is
 * asked later, and only about a few.
 */
export class ResendPolicy {
  private meanMs: number | undefined;
  private resentInARow = 0;
  private inDoubt = 0;

  /** How long to wait for an answer after the last of so many sends, milliseconds; undefined when it is sent no more. */
  patienceMs(sends: number): number | undefined {
    if (sends >= MOST_SENDS) return undefined;
    const first = this.meanMs === undefined ? FIRST_MS : LEAST_MS + MULTIPLE * this.meanMs;
    return first * 2 ** (sends - 1);
  }

  /** @returns whether one more may be in doubt; it is then, until {@link endDoubt} */
  takeDoubt(): boolean {
    if (this.inDoubt >= MOST_IN_DOUBT) return false;
    this.inDoubt += 1;
    return true;
  }

  endDoubt(): void {
    this.inDoubt -= 1;
  }

  /**
   * An append was answered so long after it was first sent. Where it was sent more than once it may have been dropped before:
   * the time then tells of the waiting, not of the server.
   */
  answered(ms: number, sends: number): void {
    this.resentInARow = sends > 1 ? this.resentInARow + 1 : 0;
    if (sends > 1 && this.resentInARow < NO_ACCIDENT) return;
    this.meanMs = this.meanMs === undefined ? ms : this.meanMs + (ms - this.meanMs) / REMEMBERED;
  }
}
