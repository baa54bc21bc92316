import {
  completeSubtrees,
  consistencyRanges,
  type Hashing,
  inclusionRanges,
  isConsistent,
  joined,
  type LeafRange,
  rootOfInclusion,
} from './merkle.js';
import { MerkleFrontier } from './merkle-frontier.js';
import { emptyRoot, leafHash, SHA256 } from './merkle-hashing.js';
import { scale } from '../../test/support/scale.js';

const MOST = 1_025;
/** The hash of nothing. */
const NONE = 999_999;

/** A hash that never collides: equal pairs, and they alone, have the same number. As good as SHA-256 here, and faster. */
class Interned implements Hashing<number> {
  private readonly known = new Map<number, number>();
  private next = 1_000_000;

  readonly node = (left: number, right: number): number => {
    const pair = left * 2 ** 26 + right;
    const standing = this.known.get(pair);
    if (standing !== undefined) return standing;
    this.next += 1;
    this.known.set(pair, this.next);
    return this.next;
  };
  readonly same = (a: number, b: number): boolean => a === b;
}

/** MTH(D[n]) word by word as RFC 9162, 2.1.1 has it. */
function treeHash<T>(leaves: readonly T[], { from, to }: LeafRange, hashing: Hashing<T>): T {
  if (to - from === 1) return leaves[from]!;
  let k = 1;
  while (k * 2 < to - from) k *= 2;
  const [left, right] = [
    treeHash(leaves, { from, to: from + k }, hashing),
    treeHash(leaves, { from: from + k, to }, hashing),
  ];
  return hashing.node(left, right);
}

/** Ranges by complete subtrees that were kept as the tree grew: what the stores do. */
function grown<T>(leaves: readonly T[], hashing: Hashing<T>) {
  const frontier = new MerkleFrontier(hashing);
  const levels: T[][] = [[]];
  const roots: T[] = [];
  for (const leaf of leaves) {
    levels[0]!.push(leaf);
    for (const { level, index, hash } of frontier.add(leaf)) (levels[level] ??= [])[index] = hash;
    roots.push(frontier.root());
  }
  const made = new Map<number, T>();
  const of = (range: LeafRange): T => {
    const name = range.from * 4_096 + range.to;
    const standing = made.get(name);
    if (standing !== undefined) return standing;
    const subtrees = completeSubtrees(range).map(({ level, index }) => levels[level]![index]!);
    const hash = joined(subtrees, hashing);
    made.set(name, hash);
    return hash;
  };
  return { of, root: (size: number): T => roots[size - 1]! };
}

const ids = Array.from({ length: MOST }, (_, n) => n + 1);

describe('the Merkle tree', () => {
  const hashing = new Interned();
  const tree = grown(ids, hashing);

  it('has the root that the RFC defines at every size, and one rebuilt from its subtrees grows on the same', () => {
    for (let size = 1; size <= MOST; size += 1) {
      expect(tree.root(size)).toBe(treeHash(ids, { from: 0, to: size }, hashing));
      const subtrees = completeSubtrees({ from: 0, to: size }).map((ref) =>
        tree.of({ from: ref.index * 2 ** ref.level, to: (ref.index + 1) * 2 ** ref.level }),
      );
      const resumed = MerkleFrontier.of(size, subtrees, hashing);
      expect([resumed.size, resumed.root()]).toEqual([size, tree.root(size)]);
    }
  });

  it(`proves every index at every size from 1 to ${String(MOST)}`, () => {
    let wrong = 0;
    for (let size = 1; size <= MOST; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const path = inclusionRanges(index, size).map(tree.of);
        if (rootOfInclusion(index + 1, { index, size }, path, hashing) !== tree.root(size)) wrong += 1;
      }
    }
    expect(wrong).toBe(0);
  });

  it(`proves every pair of sizes from 1 to ${String(MOST)} consistent`, () => {
    let wrong = 0;
    for (let second = 1; second <= MOST; second += 1) {
      for (let first = 1; first <= second; first += 1) {
        const proof = first === second ? [] : consistencyRanges(first, second).map(tree.of);
        const heads = [first, second].map((size) => ({ size, root: tree.root(size) })) as [never, never];
        if (!isConsistent(heads[0], heads[1], proof, hashing)) wrong += 1;
      }
    }
    expect(wrong).toBe(0);
  });

  it('takes no proof of another leaf, place or root, and none that is too long or too short', () => {
    for (let size = 2; size <= 65; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const path = inclusionRanges(index, size).map(tree.of);
        const root = (leaf: number, at: number, steps: readonly number[]): number | undefined =>
          rootOfInclusion(leaf, { index: at, size }, steps, hashing);
        const wrong = [
          root(index + 2, index, path),
          root(index + 1, index === 0 ? 1 : index - 1, path),
          root(index + 1, size, path),
          root(index + 1, index, path.slice(1)),
          root(index + 1, index, [...path, NONE]),
          root(index + 1, index, path.with(0, NONE)),
        ];
        expect(wrong).not.toContain(tree.root(size));
      }
      for (let first = 1; first < size; first += 1) {
        const proof = consistencyRanges(first, size).map(tree.of);
        const [older, newer] = [first, size].map((at) => ({ size: at, root: tree.root(at) })) as [
          { size: number; root: number },
          { size: number; root: number },
        ];
        const bad = { size: first, root: NONE };
        for (const [a, b, steps] of [
          [bad, newer, proof],
          [older, { ...newer, root: NONE }, proof],
          [newer, older, proof],
          [older, newer, proof.slice(1)],
          [older, newer, [...proof, NONE]],
          [older, newer, []],
          [older, newer, proof.with(0, NONE)],
        ] as const) {
          expect(isConsistent(a, b, steps, hashing)).toBe(false);
        }
      }
    }
  });
});

/** Certificate Transparency's reference vectors (google/certificate-transparency, merkletree tests; RFC 6962 hashing). */
describe('the published vectors', () => {
  const entries = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ].map((hex) => Buffer.from(hex, 'hex'));
  const roots = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  const tree = grown(entries.map(leafHash), SHA256);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

  it('of roots and of the empty tree', () => {
    expect(entries.map((_, at) => hex(tree.root(at + 1)))).toEqual(roots);
    expect(hex(emptyRoot())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it.each([
    [0, 1, []],
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [
      1,
      5,
      [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('of the inclusion of leaf %i of %i', (index, size, path) => {
    const made = inclusionRanges(index, size).map(tree.of);
    expect(made.map(hex)).toEqual(path);
    const root = rootOfInclusion(leafHash(entries[index]!), { index, size }, made, SHA256);
    expect(root && hex(root)).toBe(roots[size - 1]);
  });

  it.each([
    [
      1,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('of the consistency of %i with %i', (first, second, path) => {
    const made = consistencyRanges(first, second).map(tree.of);
    expect(made.map(hex)).toEqual(path);
    const head = (size: number) => ({ size, root: Buffer.from(roots[size - 1]!, 'hex') });
    expect(isConsistent(head(first), head(second), made, SHA256)).toBe(true);
  });
});

it('holds with SHA-256 itself', () => {
  const most = scale(40, 400);
  const leaves = Array.from({ length: most }, (_, n) => leafHash(Buffer.of(n >> 8, n)));
  const tree = grown(leaves, SHA256);
  for (let size = 1; size <= most; size += 1) {
    for (let index = 0; index < size; index += 1) {
      const path = inclusionRanges(index, size).map(tree.of);
      expect(rootOfInclusion(leaves[index]!, { index, size }, path, SHA256)).toEqual(tree.root(size));
    }
  }
});
