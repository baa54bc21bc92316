import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { AuditLeaf, AuditTree, SignedCheckpoint } from '../../src/audit/audit-tree.js';
import { leafHash, SHA256 } from '../../src/audit/merkle-hashing.js';
import { MerkleFrontier } from '../../src/audit/merkle-frontier.js';
import { TreeHashes } from '../../src/audit/tree-hashes.js';
import type { Position } from '../../src/event-sourcing/event-store.js';
import { anotherOf, type Harness } from './harness.js';

const aLeaf = (index: number): AuditLeaf => ({
  index,
  eventId: randomUUID(),
  stream: `customer-${String(index)}`,
  revision: 0,
  position: `C:${String(index * 10)}/P:${String(index * 10)}` as Position,
  entry: new Uint8Array(createHash('sha256').update(String(index)).digest()),
});

/** The way the follower grows it. */
class Growing {
  readonly leaves: AuditLeaf[] = [];
  readonly roots: Uint8Array[] = [];
  private readonly frontier = new MerkleFrontier(SHA256);

  constructor(private readonly tree: AuditTree) {}

  async grow(count: number): Promise<boolean> {
    const leaves = Array.from({ length: count }, (_, n) => aLeaf(this.leaves.length + n));
    const nodes = leaves.flatMap(({ entry }) => {
      const made = this.frontier.add(leafHash(entry));
      this.roots.push(this.frontier.root());
      return made;
    });
    this.leaves.push(...leaves);
    return this.tree.append(leaves, nodes);
  }
}

const aCheckpoint = (size: number, fields: Partial<SignedCheckpoint> = {}): SignedCheckpoint => ({
  origin: 'customers/test',
  size,
  root: new Uint8Array(randomBytes(32)),
  at: 1_000 + size,
  position: `C:${String(size)}/P:${String(size)}` as Position,
  note: `customers/test\n${String(size)}\n\u2014 é\n`,
  ...fields,
});

/**
 * What every AuditTree promises.
 * @param shared whether other processes can open the same one
 */
export function describeAuditTree(
  name: string,
  makeTree: () => Promise<Harness<AuditTree>>,
  { shared = true, many = 530 } = {},
): void {
  describe(`AuditTree: ${name}`, () => {
    let harness: Harness<AuditTree>;
    let tree: AuditTree;

    beforeEach(async () => {
      harness = await makeTree();
      tree = harness.port;
    });
    afterEach(() => harness.close());

    it('begins without leaves, under a name that it keeps', async () => {
      expect(await tree.size()).toBe(0);
      expect(await tree.id()).toMatch(/^[0-9a-f-]{36}$/);
      expect(await tree.id()).toBe(await tree.id());
      expect(await tree.leaves(0, 10)).toEqual([]);
      expect(await tree.leafOf(randomUUID())).toBeUndefined();
      expect(await tree.latestCheckpoint()).toBeUndefined();
      await tree.health();
    });

    it('gives leaves back as they were added, by their place and by their event', async () => {
      const growing = new Growing(tree);
      for (const count of [1, 2, many]) expect(await growing.grow(count)).toBe(true);
      const { leaves } = growing;
      expect(await tree.size()).toBe(leaves.length);
      expect(await tree.leaves(0, leaves.length + 1)).toEqual(leaves);
      expect(await tree.leaves(2, 3)).toEqual(leaves.slice(2, 5));
      expect(await tree.leafOf(leaves[7]!.eventId)).toEqual(leaves[7]);
    });

    it('has the root of every size it ever had', async () => {
      const growing = new Growing(tree);
      for (const count of [1, 1, 3, 8, 20]) await growing.grow(count);
      const hashes = new TreeHashes(tree);
      for (const [at, root] of growing.roots.entries()) {
        expect(Buffer.from(await hashes.root(at + 1)).toString('hex')).toBe(Buffer.from(root).toString('hex'));
      }
      await expect(tree.nodes([{ level: 9, index: 0 }])).rejects.toThrow(RangeError);
    });

    it('adds nothing that is not the next', async () => {
      const growing = new Growing(tree);
      await growing.grow(3);
      for (const index of [0, 2, 4]) expect(await tree.append([aLeaf(index)], [])).toBe(false);
      expect(await tree.leaves(0, 10)).toEqual(growing.leaves);
      expect(await tree.append([], [])).toBe(false);
    });

    it('keeps one checkpoint of each size, and finds the first that covers a leaf', async () => {
      for (const size of [5, 9, 30]) expect(await tree.addCheckpoint(aCheckpoint(size))).toBe(true);
      const first = await tree.checkpointsAfter(0, 1);
      expect(await tree.addCheckpoint(aCheckpoint(5))).toBe(false);
      expect(await tree.checkpointsAfter(0, 1)).toEqual(first);
      expect((await tree.checkpointsAfter(4, 10)).map(({ size }) => size)).toEqual([5, 9, 30]);
      expect((await tree.checkpointsAfter(5, 1)).map(({ size }) => size)).toEqual([9]);
      expect(await tree.checkpointsAfter(30, 1)).toEqual([]);
      const whole = aCheckpoint(31);
      await tree.addCheckpoint(whole);
      expect(await tree.latestCheckpoint()).toEqual(whole);
    });

    it('knows which checkpoints no witness has yet', async () => {
      const checkpoints = [5, 9, 30].map((size) => aCheckpoint(size));
      for (const checkpoint of checkpoints) await tree.addCheckpoint(checkpoint);
      await tree.markWitnessed(checkpoints[1]!);
      expect(await tree.unwitnessed(10)).toEqual([checkpoints[0], checkpoints[2]]);
      expect(await tree.unwitnessed(1)).toEqual([checkpoints[0]]);
    });

    it('begun anew is another tree, without leaves and checkpoints', async () => {
      const growing = new Growing(tree);
      await growing.grow(7);
      await tree.addCheckpoint(aCheckpoint(7));
      const before = await tree.id();
      await tree.beginAnew();
      expect(await tree.id()).not.toBe(before);
      expect([await tree.size(), await tree.leaves(0, 9), await tree.latestCheckpoint()]).toEqual([0, [], undefined]);
      expect(await tree.leafOf(growing.leaves[0]!.eventId)).toBeUndefined();
      const anew = new Growing(tree);
      expect(await anew.grow(4)).toBe(true);
      expect(await tree.leaves(0, 9)).toEqual(anew.leaves);
      expect(await tree.addCheckpoint(aCheckpoint(7))).toBe(true);
    });

    if (!shared) return;

    it('is named, signed and begun anew by two at once, and is one tree all the while', async () => {
      const other = await anotherOf(harness);
      const names = await Promise.all([tree.id(), other.id()]);
      expect(new Set(names).size).toBe(1);
      const signed = await Promise.all([tree, other].map((each) => each.addCheckpoint(aCheckpoint(7))));
      expect(signed.filter(Boolean)).toHaveLength(1);
      await Promise.all([tree.beginAnew(), other.beginAnew()]);
      expect(await tree.id()).toBe(await other.id());
      expect(names).not.toContain(await tree.id());
    });

    it('is the same through another connection, under the same name', async () => {
      const other = await anotherOf(harness);
      expect(await other.id()).toBe(await tree.id());
      const growing = new Growing(tree);
      await growing.grow(3);
      expect(await other.leaves(0, 9)).toEqual(growing.leaves);
      expect(await other.append([aLeaf(2)], [])).toBe(false);
    });

    it('of two who add the same leaves at once one does, and the tree has them once', async () => {
      const other = await anotherOf(harness);
      const leaves = [0, 1, 2].map(aLeaf);
      const frontier = new MerkleFrontier(SHA256);
      const nodes = leaves.flatMap(({ entry }) => frontier.add(leafHash(entry)));
      const added = await Promise.all([tree, other].map((each) => each.append(leaves, nodes)));
      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await tree.leaves(0, 9)).toEqual(leaves);
      expect(await new TreeHashes(other).root(3)).toEqual(frontier.root());
    });
  });
}
