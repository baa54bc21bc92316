export interface WindowSize {
  readonly events: number;
  /** About so much text. */
  readonly characters: number;
}

/** The newest of what came in order: so many, and so much text of them, at most. */
export class NewestWindow<T> {
  private readonly kept: T[] = [];
  private characters = 0;

  constructor(
    private readonly size: WindowSize,
    private readonly charactersOf: (one: T) => number,
  ) {}

  /** From the oldest to the newest. */
  get held(): readonly T[] {
    return this.kept;
  }

  add(one: T): void {
    this.kept.push(one);
    this.characters += this.charactersOf(one);
  }

  /** How many of them stand before the first that is not passed: all that are passed stand before all that are not. */
  countPassed(isPassed: (one: T) => boolean): number {
    let [low, high] = [0, this.kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const one = this.kept[middle];
      if (one !== undefined && isPassed(one)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** An eighth at a time: to move all that is held costs more than to hold a little longer. @returns what went */
  dropOldest(): readonly T[] {
    const { events, characters } = this.size;
    if (this.kept.length <= events * 1.125 && this.characters <= characters * 1.125) return [];
    let surplus = 0;
    while (this.kept.length - surplus > events || this.characters > characters) {
      const one = this.kept[surplus];
      if (one === undefined) break;
      this.characters -= this.charactersOf(one);
      surplus += 1;
    }
    return this.kept.splice(0, surplus);
  }

  clear(): void {
    this.kept.length = 0;
    this.characters = 0;
  }
}
