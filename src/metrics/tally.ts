/** Counts by a few label values, each from a set that does not grow: what is counted is read when it is asked for. */
export class Tally<L extends string> {
  private readonly counts = new Map<string, { readonly labels: Readonly<Record<L, string>>; count: number }>();

  constructor(private readonly names: readonly L[]) {}

  /** @param by 0 makes the count known, so that its first rise is seen as one */
  add(labels: Readonly<Record<L, string>>, by = 1): void {
    const key = this.names.map((name) => labels[name]).join(' ');
    const entry = this.counts.get(key);
    if (entry === undefined) this.counts.set(key, { labels, count: by });
    else entry.count += by;
  }

  get entries(): Iterable<{ readonly labels: Readonly<Record<L, string>>; readonly count: number }> {
    return this.counts.values();
  }
}
