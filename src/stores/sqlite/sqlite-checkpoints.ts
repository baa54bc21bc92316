import type { Clock } from '../../event-sourcing/clock.js';
import { type Checkpoint, Checkpoints, type Lease } from '../../event-sourcing/checkpoints.js';
import type { Position } from '../../event-sourcing/event-store.js';
import type { Change, Query } from './connection.js';
import type { SqliteDatabase } from './database.js';

/** A lease that was given back keeps its row: the epoch must go on growing. */
export const CHECKPOINTS_SCHEMA = `
  CREATE TABLE checkpoints (
    name TEXT PRIMARY KEY,
    log_id TEXT NOT NULL,
    position TEXT NOT NULL,
    stream TEXT,
    revision INTEGER,
    event_id TEXT,
    hash TEXT
  ) WITHOUT ROWID;
  CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID`;

type CheckpointRow = readonly [string, string, string | null, number | null, string | null, string | null];
type LeaseRow = readonly [owner: string | null, epoch: number, expiresAt: number];

/** In a database made with {@link CHECKPOINTS_SCHEMA}. */
export class SqliteCheckpoints extends Checkpoints {
  /** One server a data folder. */
  override readonly owner = 'embedded';
  private readonly find: Query<CheckpointRow>;
  private readonly positionOf: Query<[string]>;
  private readonly put: Change;
  private readonly delete: Change;
  private readonly leaseOf: Query<LeaseRow>;
  private readonly putLease: Change;

  constructor(
    private readonly database: SqliteDatabase,
    private readonly clock: Clock,
  ) {
    super();
    const { reader, writer } = database;
    this.find = reader.query(
      'SELECT log_id, position, stream, revision, event_id, hash FROM checkpoints WHERE name = ?',
    );
    this.positionOf = writer.query('SELECT position FROM checkpoints WHERE name = ?');
    this.put = writer.change('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.delete = writer.change('DELETE FROM checkpoints WHERE name = ?');
    this.leaseOf = writer.query('SELECT owner, epoch, expires_at FROM leases WHERE name = ?');
    this.putLease = writer.change('INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)');
  }

  override async load(name: string): Promise<Checkpoint | undefined> {
    const row = await this.database.read(() => this.find.get(name));
    if (row === undefined) return undefined;
    const [logId, position, stream, revision, eventId, hash] = row;
    const checkpoint = { logId, position: position as Position };
    if (stream === null || revision === null || eventId === null || hash === null) return checkpoint;
    return { ...checkpoint, last: { stream, revision, eventId, hash } };
  }

  /** One that a power cut takes back has events handed in again, as any crash between two checkpoints does. */
  override save(
    name: string,
    { logId, position, last }: Checkpoint,
    lease?: Lease,
    after?: Position,
  ): Promise<boolean> {
    return this.database.writeRepeatable(() => {
      if (lease !== undefined && this.leaseOf.get(lease.name)?.[1] !== lease.epoch) return () => false;
      if (after !== undefined && this.positionOf.get(name)?.[0] !== after) return () => false;
      return () => {
        const { stream = null, revision = null, eventId = null, hash = null } = last ?? {};
        this.put.run(name, logId, position, stream, revision, eventId, hash);
        return true;
      };
    });
  }

  override async remove(name: string): Promise<void> {
    await this.database.write(() => () => this.delete.run(name));
  }

  override acquire(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    return this.database.write(() => {
      const now = this.clock.now();
      const [holder, epoch, expiresAt] = this.leaseOf.get(name) ?? [null, 0, 0];
      if (holder !== null && holder !== owner && expiresAt > now) return () => undefined;
      const lease = { name, owner, epoch: holder === owner ? epoch : epoch + 1 };
      return () => {
        this.putLease.run(name, owner, lease.epoch, now + ttlMs);
        return lease;
      };
    });
  }

  /** One that ran out but that nobody else has taken is still its holder's. */
  override renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.database.writeRepeatable(() => {
      if (!this.isHeld(lease)) return () => false;
      return () => {
        this.putLease.run(lease.name, lease.owner, lease.epoch, this.clock.now() + ttlMs);
        return true;
      };
    });
  }

  override async release(lease: Lease): Promise<void> {
    await this.database.write(() => {
      const held = this.isHeld(lease);
      return () => {
        if (held) this.putLease.run(lease.name, null, lease.epoch, 0);
      };
    });
  }

  private isHeld({ name, owner, epoch }: Lease): boolean {
    const [holder, newest] = this.leaseOf.get(name) ?? [];
    return holder === owner && newest === epoch;
  }
}
