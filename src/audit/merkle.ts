/**
 * The shape of a Merkle tree after RFC 9162, section 2 (the same as RFC 6962): which subtrees a proof names, and how one is
 * checked. An odd node is never doubled: what has no sibling moves up as it is. Knows nothing of hashing itself.
 */

/** Leaves `from` up to but not including `to`. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** A complete subtree: `2 ** level` leaves, the `index`-th of its level. */
export interface NodeRef {
  readonly level: number;
  readonly index: number;
}

export interface Hashing<T> {
  readonly node: (left: T, right: T) => T;
  readonly same: (a: T, b: T) => boolean;
}

/** The largest power of two below `n`, for n > 1. */
function leftSize(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** PATH(m, D[n]) of 2.1.3.1: the subtrees beside the way from the leaf to the root, the lowest first. */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  const path: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + leftSize(to - from);
    if (index < middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
    }
  }
  return path.reverse();
}

/** PROOF(m, D[n]) of 2.1.4.1: what shows that the tree of `second` leaves begins with that of `first`, 0 < first <= second. */
export function consistencyRanges(first: number, second: number): readonly LeafRange[] {
  const path: LeafRange[] = [];
  let [from, to] = [0, second];
  let isKnown = true;
  while (first !== to) {
    const middle = from + leftSize(to - from);
    if (first <= middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
      isKnown = false;
    }
  }
  if (!isKnown) path.push({ from, to });
  return path.reverse();
}

/** The complete subtrees that make up the range, from left to right; `from` must be where a subtree can begin. */
export function completeSubtrees({ from, to }: LeafRange): readonly NodeRef[] {
  const refs: NodeRef[] = [];
  let at = from;
  while (at < to) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= to) {
      width *= 2;
      level += 1;
    }
    refs.push({ level, index: at / width });
    at += width;
  }
  return refs;
}

/** The hash over complete subtrees that stand side by side, from left to right. @throws RangeError there are none */
export function joined<T>(subtrees: readonly T[], { node }: Hashing<T>): T {
  const last = subtrees.at(-1);
  if (last === undefined) throw new RangeError('An empty range has no subtrees');
  return subtrees.slice(0, -1).reduceRight((right, left) => node(left, right), last);
}

const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;

/** 2.1.3.2 @returns the root that the path leads to; undefined when it is not the path of such a leaf */
export function rootOfInclusion<T>(
  leaf: T,
  { index, size }: { readonly index: number; readonly size: number },
  path: readonly T[],
  { node }: Hashing<T>,
): T | undefined {
  if (index >= size) return undefined;
  let [fn, sn, root] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (sn === 0) return undefined;
    if (isOdd(fn) || fn === sn) {
      root = node(sibling, root);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      root = node(root, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 ? root : undefined;
}

export interface Head<T> {
  readonly size: number;
  readonly root: T;
}

/** 2.1.4.2: whether the later tree begins with the earlier one. */
export function isConsistent<T>(first: Head<T>, second: Head<T>, proof: readonly T[], hashing: Hashing<T>): boolean {
  if (first.size === second.size) return proof.length === 0 && hashing.same(first.root, second.root);
  if (first.size < 1 || first.size > second.size || proof.length === 0) return false;
  let [fn, sn] = [first.size - 1, second.size - 1];
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  const [start, ...rest] = fn === 0 ? [first.root, ...proof] : proof;
  if (start === undefined) return false;
  let older: T = start;
  let newer: T = start;
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      older = hashing.node(sibling, older);
      newer = hashing.node(sibling, newer);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newer = hashing.node(newer, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && hashing.same(older, first.root) && hashing.same(newer, second.root);
}
