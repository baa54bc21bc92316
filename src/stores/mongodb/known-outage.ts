/** How long nobody asks again after a failure. */
const PAUSE_MS = 500;

/**
 * What is known of a server that was found to be gone, so that not every request of an outage waits for it: after a pause
 * one of them tries, and the others fail at once until it knows more.
 */
export class KnownOutage {
  private nextTryAt: number | undefined;
  private trying = false;
  private answeredAt = -Infinity;

  /** Nobody is to be asked now: it was found to be gone, and it is not the time, or another's turn, to try. */
  get forbids(): boolean {
    return this.nextTryAt !== undefined && (this.trying || performance.now() < this.nextTryAt);
  }

  /** Not while it is forbidden. */
  begin(): Attempt {
    const startedAt = performance.now();
    const tries = this.nextTryAt !== undefined;
    if (tries) this.trying = true;
    const end = (): void => {
      if (tries) this.trying = false;
    };
    return {
      answered: () => {
        end();
        this.answeredAt = performance.now();
        this.nextTryAt = undefined;
      },
      unreachable: () => {
        end();
        this.nextTryAt = performance.now() + PAUSE_MS;
      },
      /** Others were answered meanwhile: it is this one operation that is slow. */
      timedOut: () => {
        end();
        if (this.answeredAt < startedAt) this.nextTryAt = performance.now() + PAUSE_MS;
      },
    };
  }
}

/** Exactly one of them is to be called. */
export interface Attempt {
  answered(): void;
  unreachable(): void;
  timedOut(): void;
}
