/** A store under test. */
export interface Harness<Port> {
  readonly port: Port;
  /** A connection of its own to the same store, as another process has. Absent where there can be none, as in memory. */
  another?(): Promise<Port>;
  close(): Promise<void>;
}

/** Every order in which two can come with versions of their own. */
export const ordersOf = (versions: readonly number[]): readonly { readonly mine: number; readonly theirs: number }[] =>
  versions.flatMap((mine) => versions.map((theirs) => ({ mine, theirs })));

/** @throws Error the suite was told that the store is shared, and it isn't */
export async function anotherOf<Port>(harness: Harness<Port>): Promise<Port> {
  if (harness.another === undefined) throw new Error('There is no other connection to this store');
  return harness.another();
}
