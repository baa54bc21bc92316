import { randomUUID } from 'node:crypto';
import { AuditTree, type AuditLeaf, type SignedCheckpoint } from '../../audit/audit-tree.js';
import type { NodeRef } from '../../audit/merkle.js';
import type { TreeNode } from '../../audit/merkle-frontier.js';
import { leafHash } from '../../audit/merkle-hashing.js';
import type { Position } from '../../event-sourcing/event-store.js';
import type { Change, Query, SqlValue } from './connection.js';
import type { SqliteDatabase } from './database.js';
import { CHECKSUM_TRIGGER, type CheckedTable, requireIntact, rowChecksum } from './row-checksums.js';

const LEAVES: CheckedTable = {
  name: 'leaves',
  key: ['"index"'],
  columns: ['"index"', 'event_id', 'stream', 'revision', 'position', 'entry'],
};
const NODES: CheckedTable = { name: 'nodes', key: ['level', '"index"'], columns: ['level', '"index"', 'hash'] };
const CHECKPOINTS: CheckedTable = {
  name: 'signed_checkpoints',
  key: ['tree', 'size'],
  columns: ['origin', 'size', 'root', 'at', 'position', 'note'],
};
export const AUDIT_TABLES = [LEAVES, NODES, CHECKPOINTS];

/** The lowest level of nodes is made of the leaves, and not kept besides. */
export const AUDIT_TREE_SCHEMA = `
  CREATE TABLE tree (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL);
  CREATE TABLE leaves (
    "index" INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    position TEXT NOT NULL,
    entry BLOB NOT NULL,
    checksum INTEGER
  );
  CREATE INDEX leaves_event ON leaves (event_id);
  CREATE TABLE nodes (
    level INTEGER,
    "index" INTEGER,
    hash BLOB NOT NULL,
    checksum INTEGER,
    PRIMARY KEY (level, "index")
  ) WITHOUT ROWID;
  CREATE TABLE signed_checkpoints (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    at INTEGER NOT NULL,
    position TEXT NOT NULL,
    note TEXT NOT NULL,
    tree TEXT NOT NULL,
    witnessed INTEGER NOT NULL,
    checksum INTEGER,
    PRIMARY KEY (tree, size)
  ) WITHOUT ROWID;
  ${AUDIT_TABLES.map(CHECKSUM_TRIGGER).join(';')}`;

type LeafRow = readonly [number, string, string, number, string, Uint8Array, number | null];
type CheckpointRow = readonly [string, number, Uint8Array, number, string, string, number | null];
type NodeRow = readonly [number, number, Uint8Array, number | null];

const LEAF = `${LEAVES.columns.join(', ')}, checksum`;
const CHECKPOINT = `${CHECKPOINTS.columns.join(', ')}, checksum`;
const OF_TREE = 'FROM signed_checkpoints WHERE tree = (SELECT id FROM tree)';

/** In a database made with {@link AUDIT_TREE_SCHEMA}. */
export class SqliteAuditTree extends AuditTree {
  private readonly select: ReturnType<typeof queries>;
  private readonly change: ReturnType<typeof changes>;

  private constructor(private readonly database: SqliteDatabase) {
    super();
    this.select = queries((sql) => database.reader.query(sql));
    this.change = changes((sql) => database.writer.change(sql));
  }

  static async open(database: SqliteDatabase): Promise<SqliteAuditTree> {
    const tree = new SqliteAuditTree(database);
    const id = database.writer.query('SELECT id FROM tree');
    await database.write(() => {
      const isNew = id.get() === undefined;
      return () => {
        if (isNew) tree.change.name.run(randomUUID());
      };
    });
    return tree;
  }

  override async id(): Promise<string> {
    const [id] = (await this.database.read(() => this.select.id.get())) ?? [];
    if (id === undefined) throw new RangeError('The tree has no name');
    return id;
  }

  override size(): Promise<number> {
    return this.database.read(() => this.select.size.get()?.[0] ?? 0);
  }

  override append(leaves: readonly AuditLeaf[], nodes: readonly TreeNode<Uint8Array>[]): Promise<boolean> {
    const size = this.database.writer.query<[number]>(SIZE);
    return this.database.write(() => {
      if (leaves[0]?.index !== (size.get()?.[0] ?? 0)) return () => false;
      return () => {
        for (const { index, eventId, stream, revision, position, entry } of leaves) {
          const row = [index, eventId, stream, revision, position, entry] as const;
          this.change.leaf.run(...row, rowChecksum(row));
        }
        for (const { level, index, hash } of nodes)
          this.change.node.run(level, index, hash, rowChecksum([level, index, hash]));
        return true;
      };
    });
  }

  override nodes(refs: readonly NodeRef[]): Promise<readonly Uint8Array[]> {
    return this.database.read(() =>
      refs.map(({ level, index }) => {
        const leaf = level === 0 ? this.select.leaf.get(index) : undefined;
        if (leaf !== undefined) return leafHash(fromLeafRow(leaf).entry);
        const node = level === 0 ? undefined : this.select.node.get(level, index);
        if (node === undefined) throw new RangeError('The tree has no such node');
        requireIntact(NODES.name, node.slice(0, -1), node[3]);
        return new Uint8Array(node[2]);
      }),
    );
  }

  override async leaves(from: number, limit: number): Promise<readonly AuditLeaf[]> {
    return (await this.database.read(() => this.select.leaves.all(from, limit))).map(fromLeafRow);
  }

  override async leafOf(eventId: string): Promise<AuditLeaf | undefined> {
    const row = await this.database.read(() => this.select.leafOf.get(eventId));
    return row && fromLeafRow(row);
  }

  /** The file is synced with each batch of leaves only now and then, for they can be made again; a signature can't. */
  override async addCheckpoint(checkpoint: SignedCheckpoint): Promise<boolean> {
    const { origin, size, root, at, position, note } = checkpoint;
    const row = [origin, size, root, at, position, note] as const;
    const added = await this.database.write(
      () => () => this.change.checkpoint.run(...row, rowChecksum(row)).changes === 1,
    );
    await this.database.sync();
    return added;
  }

  override checkpointsAfter(size: number, limit: number): Promise<readonly SignedCheckpoint[]> {
    return this.checkpoints(this.select.after, size, limit);
  }

  override async latestCheckpoint(): Promise<SignedCheckpoint | undefined> {
    return (await this.checkpoints(this.select.latest))[0];
  }

  override async markWitnessed({ size, note }: SignedCheckpoint): Promise<void> {
    await this.database.write(() => () => this.change.witnessed.run(size, note));
  }

  override unwitnessed(limit: number): Promise<readonly SignedCheckpoint[]> {
    return this.checkpoints(this.select.unwitnessed, limit);
  }

  override async beginAnew(): Promise<void> {
    await this.database.write(() => () => {
      this.change.name.run(randomUUID());
      this.change.dropLeaves.run();
      this.change.dropNodes.run();
    });
  }

  override health(): Promise<void> {
    return this.database.health();
  }

  private async checkpoints(query: Query<CheckpointRow>, ...values: SqlValue[]): Promise<readonly SignedCheckpoint[]> {
    return (await this.database.read(() => query.all(...values))).map(fromCheckpointRow);
  }
}

const SIZE = 'SELECT max("index") + 1 FROM leaves';

const queries = (query: <R extends readonly SqlValue[]>(sql: string) => Query<R>) => ({
  id: query<readonly [string]>('SELECT id FROM tree'),
  size: query<readonly [number | null]>(SIZE),
  leaf: query<LeafRow>(`SELECT ${LEAF} FROM leaves WHERE "index" = ?`),
  node: query<NodeRow>('SELECT level, "index", hash, checksum FROM nodes WHERE level = ? AND "index" = ?'),
  leaves: query<LeafRow>(`SELECT ${LEAF} FROM leaves WHERE "index" >= ? ORDER BY "index" LIMIT ?`),
  leafOf: query<LeafRow>(`SELECT ${LEAF} FROM leaves WHERE event_id = ? ORDER BY "index" LIMIT 1`),
  after: query<CheckpointRow>(`SELECT ${CHECKPOINT} ${OF_TREE} AND size > ? ORDER BY size LIMIT ?`),
  latest: query<CheckpointRow>(`SELECT ${CHECKPOINT} ${OF_TREE} ORDER BY size DESC LIMIT 1`),
  unwitnessed: query<CheckpointRow>(`SELECT ${CHECKPOINT} ${OF_TREE} AND witnessed = 0 ORDER BY size LIMIT ?`),
});

const changes = (change: (sql: string) => Change) => ({
  name: change('INSERT OR REPLACE INTO tree VALUES (1, ?)'),
  leaf: change('INSERT INTO leaves VALUES (?, ?, ?, ?, ?, ?, ?)'),
  node: change('INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?)'),
  checkpoint: change('INSERT OR IGNORE INTO signed_checkpoints VALUES (?, ?, ?, ?, ?, ?, (SELECT id FROM tree), 0, ?)'),
  witnessed: change('UPDATE signed_checkpoints SET witnessed = 1 WHERE size = ? AND note = ?'),
  dropLeaves: change('DELETE FROM leaves'),
  dropNodes: change('DELETE FROM nodes'),
});

/** @throws RowDamaged */
function fromLeafRow(row: LeafRow): AuditLeaf {
  const [index, eventId, stream, revision, position, entry, checksum] = row;
  requireIntact(LEAVES.name, row.slice(0, -1), checksum);
  return { index, eventId, stream, revision, position: position as Position, entry: new Uint8Array(entry) };
}

/** @throws RowDamaged */
function fromCheckpointRow(row: CheckpointRow): SignedCheckpoint {
  const [origin, size, root, at, position, note, checksum] = row;
  requireIntact(CHECKPOINTS.name, row.slice(0, -1), checksum);
  return { origin, size, root: new Uint8Array(root), at, position: position as Position, note };
}
