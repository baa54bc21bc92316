import { randomUUID } from 'node:crypto';
import { type Collection, type Db, Binary } from 'mongodb';
import { AuditTree, type AuditLeaf, type SignedCheckpoint } from '../../audit/audit-tree.js';
import type { NodeRef } from '../../audit/merkle.js';
import type { TreeNode } from '../../audit/merkle-frontier.js';
import { leafHash } from '../../audit/merkle-hashing.js';
import {
  AUDIT_CHECKPOINTS,
  AUDIT_LEAVES,
  AUDIT_NODES,
  bytesOf,
  type CheckpointDocument,
  checkpointId,
  fromCheckpointDocument,
  fromLeafDocument,
  type LeafDocument,
  leafId,
  type NodeDocument,
  nodeId,
  toLeafDocument,
  toNodeDocument,
  type TreeDocument,
  TREES,
} from './audit-documents.js';
import { againIfOvertaken, type CollectionPlan, unlessTaken, writeUnordered } from './collections.js';
import type { MongoConnection } from './mongo-connection.js';

export const AUDIT_COLLECTIONS: readonly CollectionPlan[] = [TREES, AUDIT_LEAVES, AUDIT_NODES, AUDIT_CHECKPOINTS];

/** Small enough for the time that an operation has. */
const CHUNK = 100;

/**
 * In a database with {@link AUDIT_COLLECTIONS}. Leaves and nodes are written first and are in the tree only once its size
 * says so. Two who add the same leaves write the same documents, for their order is that of the log; the size moves once.
 */
export class MongoAuditTree extends AuditTree {
  constructor(private readonly connection: MongoConnection) {
    super();
  }

  override async id(): Promise<string> {
    return (await this.present()).id;
  }

  override async size(): Promise<number> {
    return (await this.present()).size;
  }

  override async append(leaves: readonly AuditLeaf[], nodes: readonly TreeNode<Uint8Array>[]): Promise<boolean> {
    const { id, size } = await this.present();
    if (leaves[0]?.index !== size) return false;
    const leafDocuments = leaves.map((leaf) => toLeafDocument(id, leaf));
    await this.inChunks(leafDocuments, (db, chunk) => writeUnordered(leavesOf(db), chunk.map(put)));
    const nodeDocuments = nodes.map((node) => toNodeDocument(id, node));
    await this.inChunks(nodeDocuments, (db, chunk) => writeUnordered(nodesOf(db), chunk.map(put)));
    const filter = { _id: { $eq: 'tree' as const }, id: { $eq: id }, size: { $eq: size } };
    const update = { $set: { size: size + leaves.length } };
    const { matchedCount } = await this.run((db) => treesOf(db).updateOne(filter, update));
    return matchedCount === 1;
  }

  override async nodes(refs: readonly NodeRef[]): Promise<readonly Uint8Array[]> {
    const tree = await this.id();
    const low = refs.filter(({ level }) => level === 0).map(({ index }) => leafId(tree, index));
    const high = refs.filter(({ level }) => level > 0).map(({ level, index }) => nodeId(tree, level, index));
    const hashes = new Map<string, Uint8Array>();
    if (low.length > 0) {
      const found = await this.run((db) =>
        leavesOf(db)
          .find({ _id: { $in: low } })
          .toArray(),
      );
      for (const { _id, entry } of found) hashes.set(_id, leafHash(bytesOf(entry)));
    }
    if (high.length > 0) {
      const found = await this.run((db) =>
        nodesOf(db)
          .find({ _id: { $in: high } })
          .toArray(),
      );
      for (const { _id, hash } of found) hashes.set(_id, bytesOf(hash));
    }
    return refs.map(({ level, index }) => {
      const hash = hashes.get(level === 0 ? leafId(tree, index) : nodeId(tree, level, index));
      if (hash === undefined) throw new RangeError('The tree has no such node');
      return hash;
    });
  }

  override async leaves(from: number, limit: number): Promise<readonly AuditLeaf[]> {
    const { id, size } = await this.present();
    const filter = { tree: { $eq: id }, index: { $gte: from, $lt: size } };
    const options = { sort: { index: 1 }, limit } as const;
    return (await this.run((db) => leavesOf(db).find(filter, options).toArray())).map(fromLeafDocument);
  }

  override async leafOf(eventId: string): Promise<AuditLeaf | undefined> {
    const { id, size } = await this.present();
    const filter = { eventId: { $eq: eventId }, tree: { $eq: id }, index: { $lt: size } };
    const found = await this.run((db) => leavesOf(db).findOne(filter, { sort: { index: 1 } }));
    return found === null ? undefined : fromLeafDocument(found);
  }

  override async addCheckpoint({ root, ...checkpoint }: SignedCheckpoint): Promise<boolean> {
    const tree = await this.id();
    const document = { _id: checkpointId(tree, checkpoint.size), tree, ...checkpoint, root: new Binary(root) };
    const added = await this.run((db) =>
      unlessTaken(() => checkpointsOf(db).insertOne({ ...document, witnessed: false })),
    );
    return added !== undefined;
  }

  override checkpointsAfter(size: number, limit: number): Promise<readonly SignedCheckpoint[]> {
    return this.checkpoints({ size: { $gt: size } }, 1, limit);
  }

  override async latestCheckpoint(): Promise<SignedCheckpoint | undefined> {
    return (await this.checkpoints({}, -1, 1))[0];
  }

  override async markWitnessed({ size, note }: SignedCheckpoint): Promise<void> {
    const filter = { size: { $eq: size }, note: { $eq: note } };
    await this.run((db) => checkpointsOf(db).updateOne(filter, { $set: { witnessed: true } }));
  }

  override unwitnessed(limit: number): Promise<readonly SignedCheckpoint[]> {
    return this.checkpoints({ witnessed: { $eq: false } }, 1, limit);
  }

  /** What the old tree was made of stays behind: nobody asks for it any more. */
  override async beginAnew(): Promise<void> {
    const anew = { id: randomUUID(), size: 0 };
    await this.run((db) =>
      againIfOvertaken(() => treesOf(db).replaceOne({ _id: { $eq: 'tree' } }, anew, { upsert: true })),
    );
  }

  override health(): Promise<void> {
    return this.connection.ping('audit_tree');
  }

  private async present(): Promise<TreeDocument> {
    const find = (): Promise<TreeDocument | null> => this.run((db) => treesOf(db).findOne({ _id: { $eq: 'tree' } }));
    const standing = await find();
    if (standing !== null) return standing;
    await this.run((db) => unlessTaken(() => treesOf(db).insertOne({ _id: 'tree', id: randomUUID(), size: 0 })));
    const made = await find();
    if (made === null) throw new RangeError('The tree has no name');
    return made;
  }

  private async checkpoints(filter: object, direction: 1 | -1, limit: number): Promise<readonly SignedCheckpoint[]> {
    const whole = { tree: { $eq: await this.id() }, ...filter };
    const options = { sort: { size: direction }, limit } as const;
    return (await this.run((db) => checkpointsOf(db).find(whole, options).toArray())).map(fromCheckpointDocument);
  }

  private async inChunks<D>(
    documents: readonly D[],
    write: (db: Db, chunk: readonly D[]) => Promise<void>,
  ): Promise<void> {
    for (let at = 0; at < documents.length; at += CHUNK) {
      const chunk = documents.slice(at, at + CHUNK);
      await this.run((db) => againIfOvertaken(() => write(db, chunk)));
    }
  }

  private run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.connection.run('audit_tree', work);
  }
}

const treesOf = (db: Db): Collection<TreeDocument> => db.collection(TREES.name);
const leavesOf = (db: Db): Collection<LeafDocument> => db.collection(AUDIT_LEAVES.name);
const nodesOf = (db: Db): Collection<NodeDocument> => db.collection(AUDIT_NODES.name);
const checkpointsOf = (db: Db): Collection<CheckpointDocument> => db.collection(AUDIT_CHECKPOINTS.name);

const put = <D extends { readonly _id: string }>({ _id, ...replacement }: D) => ({
  replaceOne: { filter: { _id: { $eq: _id } }, replacement, upsert: true },
});
