import { randomUUID } from 'node:crypto';
import type { Collection, Db } from 'mongodb';
import { type Checkpoint, Checkpoints, type Lease } from '../../event-sourcing/checkpoints.js';
import type { Clock } from '../../event-sourcing/clock.js';
import type { Position } from '../../event-sourcing/event-store.js';
import type { StoreName } from '../../event-sourcing/store-errors.js';
import type { CollectionPlan } from './collections.js';
import { isDuplicateKey } from './driver-errors.js';
import type { MongoConnection } from './mongo-connection.js';

interface CheckpointDocument {
  readonly _id: string;
  readonly logId: string;
  /** As the log gave it, never a number: a 64-bit one does not survive as such. */
  readonly position: string;
  readonly last?: NonNullable<Checkpoint['last']>;
  /** Of the lease it was saved under; 0 for none. */
  readonly epoch: number;
}

/** One that was given back stays: the epoch must go on growing. */
interface LeaseDocument {
  readonly _id: string;
  readonly owner: string | null;
  readonly epoch: number;
  readonly expiresAt: number;
}

const CHECKPOINTS: CollectionPlan = {
  name: 'checkpoints',
  schema: {
    bsonType: 'object',
    required: ['_id', 'logId', 'position', 'epoch'],
    properties: {
      _id: { bsonType: 'string' },
      logId: { bsonType: 'string' },
      position: { bsonType: 'string' },
      last: { bsonType: 'object', required: ['stream', 'revision', 'eventId', 'hash'] },
      epoch: { bsonType: 'number', minimum: 0 },
    },
  },
  indexes: [],
};
const LEASES: CollectionPlan = {
  name: 'leases',
  schema: {
    bsonType: 'object',
    required: ['_id', 'owner', 'epoch', 'expiresAt'],
    properties: {
      _id: { bsonType: 'string' },
      owner: { bsonType: ['string', 'null'] },
      epoch: { bsonType: 'number', minimum: 1 },
      expiresAt: { bsonType: 'number' },
    },
  },
  indexes: [],
};
export const CHECKPOINT_COLLECTIONS: readonly CollectionPlan[] = [CHECKPOINTS, LEASES];

/**
 * In a database with {@link CHECKPOINT_COLLECTIONS}.
 *
 * When a lease runs out is told by the clock of who asks. One that is ahead takes a lease over sooner by as much, while its
 * holder still works: two at once do no harm (the epoch is the fence, and views are written only forward). One that is
 * behind takes over later by as much. Clocks within 2 s keep the takeover within 15 s of a lease of 10 s.
 */
export class MongoCheckpoints extends Checkpoints {
  /** Any number of instances serve from one database. */
  override readonly owner = randomUUID();

  constructor(
    private readonly connection: MongoConnection,
    private readonly store: Extract<StoreName, 'read_model' | 'subject_keys'>,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async load(name: string): Promise<Checkpoint | undefined> {
    const found = await this.run((db) => checkpointsOf(db).findOne({ _id: { $eq: name } }));
    if (found === null) return undefined;
    const { logId, position, last } = found;
    return { logId, position: position as Position, ...(last !== undefined && { last }) };
  }

  /**
   * In two steps. One that is overtaken in between writes what was done before; when its successor has saved already, the
   * epoch in the filter refuses it, and when it has not, it will.
   */
  override async save(
    name: string,
    { logId, position, last }: Checkpoint,
    lease?: Lease,
    after?: Position,
  ): Promise<boolean> {
    if (lease !== undefined && !(await this.isNewest(lease))) return false;
    const epoch = lease?.epoch ?? 0;
    const notNewer = lease === undefined ? {} : { epoch: { $lte: epoch } };
    const unchanged = after === undefined ? {} : { position: { $eq: after } };
    const replacement = { logId, position, ...(last !== undefined && { last }), epoch };
    const filter = { _id: { $eq: name }, ...notNewer, ...unchanged };
    // What must be there is never inserted.
    const saved = await this.unlessTaken((db) =>
      checkpointsOf(db).replaceOne(filter, replacement, { upsert: after === undefined }),
    );
    return saved !== undefined && saved.matchedCount + saved.upsertedCount > 0;
  }

  override async remove(name: string): Promise<void> {
    await this.run((db) => checkpointsOf(db).deleteOne({ _id: { $eq: name } }));
  }

  override async acquire(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const own = await this.extend(name, owner, ttlMs);
    if (own !== undefined) return own;
    const now = this.clock.now();
    const free = { $or: [{ owner: { $eq: null } }, { expiresAt: { $lte: now } }] };
    const taken = await this.unlessTaken((db) =>
      leasesOf(db).findOneAndUpdate(
        { _id: { $eq: name }, ...free },
        { $set: { owner, expiresAt: now + ttlMs }, $inc: { epoch: 1 } },
        { upsert: true, returnDocument: 'after' },
      ),
    );
    // Not free, or overtaken: by another, or by the same owner asking twice at once.
    return taken ? { name, owner, epoch: taken.epoch } : this.extend(name, owner, ttlMs);
  }

  /** One that ran out but that nobody else has taken is still its holder's. */
  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const expiresAt = this.clock.now() + ttlMs;
    const { matchedCount } = await this.run((db) => leasesOf(db).updateOne(heldAs(lease), { $set: { expiresAt } }));
    return matchedCount === 1;
  }

  override async release(lease: Lease): Promise<void> {
    await this.run((db) => leasesOf(db).updateOne(heldAs(lease), { $set: { owner: null, expiresAt: 0 } }));
  }

  private async extend(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const filter = { _id: { $eq: name }, owner: { $eq: owner } };
    const update = { $set: { expiresAt: this.clock.now() + ttlMs } };
    const held = await this.run((db) => leasesOf(db).findOneAndUpdate(filter, update, { returnDocument: 'after' }));
    return held === null ? undefined : { name, owner, epoch: held.epoch };
  }

  private async isNewest({ name, epoch }: Lease): Promise<boolean> {
    const filter = { _id: { $eq: name }, epoch: { $eq: epoch } };
    return (await this.run((db) => leasesOf(db).findOne(filter, { projection: { _id: 1 } }))) !== null;
  }

  /** @returns undefined when there is such a document and the filter did not let it pass: the insertion failed on the id */
  private async unlessTaken<T>(upsert: (db: Db) => Promise<T>): Promise<T | undefined> {
    return this.run(async (db) => {
      try {
        return await upsert(db);
      } catch (error) {
        if (isDuplicateKey(error)) return undefined;
        throw error;
      }
    });
  }

  private run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.connection.run(this.store, work);
  }
}

const heldAs = ({ name, owner, epoch }: Lease) => ({
  _id: { $eq: name },
  owner: { $eq: owner },
  epoch: { $eq: epoch },
});
const checkpointsOf = (db: Db): Collection<CheckpointDocument> => db.collection<CheckpointDocument>(CHECKPOINTS.name);
const leasesOf = (db: Db): Collection<LeaseDocument> => db.collection<LeaseDocument>(LEASES.name);
