import { Binary } from 'mongodb';
import type { AuditLeaf, SignedCheckpoint } from '../../audit/audit-tree.js';
import type { TreeNode } from '../../audit/merkle-frontier.js';
import type { CollectionPlan } from './collections.js';

/** Which tree is the present one, and how far it reaches: what lies beyond is not in it yet. */
export interface TreeDocument {
  readonly _id: 'tree';
  readonly id: string;
  readonly size: number;
}
export type LeafDocument = Omit<AuditLeaf, 'entry'> & {
  readonly _id: string;
  readonly tree: string;
  readonly entry: Binary;
};
export interface NodeDocument {
  /** Tree, level and index. */
  readonly _id: string;
  readonly tree: string;
  readonly hash: Binary;
}
export type CheckpointDocument = Omit<SignedCheckpoint, 'root'> & {
  readonly _id: string;
  readonly tree: string;
  readonly root: Binary;
  readonly witnessed: boolean;
};

const plan = (name: string, required: readonly string[], indexes: CollectionPlan['indexes'] = []): CollectionPlan => ({
  name,
  schema: { bsonType: 'object', required: ['_id', ...required] },
  indexes,
});

export const TREES = plan('audit_trees', ['id', 'size']);
export const AUDIT_LEAVES = plan(
  'audit_leaves',
  ['tree', 'index', 'eventId', 'stream', 'revision', 'position', 'entry'],
  [
    { name: 'order', key: { tree: 1, index: 1 } },
    { name: 'event', key: { eventId: 1 } },
  ],
);
export const AUDIT_NODES = plan('audit_nodes', ['tree', 'hash']);
export const AUDIT_CHECKPOINTS = plan(
  'audit_checkpoints',
  ['tree', 'origin', 'size', 'root', 'at', 'position', 'note', 'witnessed'],
  [
    { name: 'order', key: { tree: 1, size: 1 } },
    { name: 'unwitnessed', key: { tree: 1, witnessed: 1, size: 1 } },
  ],
);

export const leafId = (tree: string, index: number): string => `${tree}/${index}`;
export const nodeId = (tree: string, level: number, index: number): string => `${tree}/${level}/${index}`;
export const checkpointId = (tree: string, size: number): string => `${tree}/${size}`;

export const toLeafDocument = (tree: string, { entry, ...leaf }: AuditLeaf): LeafDocument => ({
  _id: leafId(tree, leaf.index),
  tree,
  ...leaf,
  entry: new Binary(entry),
});

export const toNodeDocument = (tree: string, { level, index, hash }: TreeNode<Uint8Array>): NodeDocument => ({
  _id: nodeId(tree, level, index),
  tree,
  hash: new Binary(hash),
});

export const bytesOf = (binary: Binary): Uint8Array => Uint8Array.from(binary.value());

export const fromLeafDocument = ({ _id, tree: _tree, entry, ...leaf }: LeafDocument): AuditLeaf => ({
  ...leaf,
  entry: bytesOf(entry),
});

export const fromCheckpointDocument = ({
  _id,
  tree: _tree,
  witnessed: _witnessed,
  root,
  ...checkpoint
}: CheckpointDocument): SignedCheckpoint => ({ ...checkpoint, root: bytesOf(root) });
