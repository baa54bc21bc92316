import type { Collection, Db } from 'mongodb';
import type { Position } from '../../event-sourcing/event-store.js';
import { type NotedErasure, Receipts, type ToldSubscriber } from '../../privacy/receipts.js';
import type { KeyRef } from '../../privacy/subject-keys.js';
import { againIfOvertaken, type CollectionPlan } from './collections.js';
import type { MongoConnection } from './mongo-connection.js';

interface ReceiptDocument extends KeyRef {
  readonly _id: string;
  readonly at: number;
  readonly position: string;
  /** A flag of its own: an index serves it on every server, and not the absence of a field. */
  readonly pending: boolean;
  readonly receipt?: string;
}

interface ToldDocument extends KeyRef {
  readonly _id: string;
  readonly webhookId: string;
  readonly toldAt: number;
  readonly acknowledgedAt?: number;
}

const REF = {
  _id: { bsonType: 'string' },
  subject: { bsonType: 'string' },
  revision: { bsonType: 'number', minimum: 1 },
};
const RECEIPTS: CollectionPlan = {
  name: 'erasure_receipts',
  schema: {
    bsonType: 'object',
    required: ['_id', 'subject', 'revision', 'at', 'position', 'pending'],
    properties: {
      ...REF,
      at: { bsonType: 'number' },
      position: { bsonType: 'string' },
      pending: { bsonType: 'bool' },
      receipt: { bsonType: 'string' },
    },
  },
  indexes: [{ name: 'pending', key: { pending: 1, at: 1, _id: 1 } }],
};
const TOLD: CollectionPlan = {
  name: 'erasure_subscribers',
  schema: {
    bsonType: 'object',
    required: ['_id', 'subject', 'revision', 'webhookId', 'toldAt'],
    properties: {
      ...REF,
      webhookId: { bsonType: 'string' },
      toldAt: { bsonType: 'number' },
      acknowledgedAt: { bsonType: 'number' },
    },
  },
  indexes: [{ name: 'told', key: { subject: 1, revision: 1, toldAt: 1 } }],
};
export const RECEIPT_COLLECTIONS: readonly CollectionPlan[] = [RECEIPTS, TOLD];

/** In a database with {@link RECEIPT_COLLECTIONS}. Each change is one operation on one document. */
export class MongoReceipts extends Receipts {
  constructor(private readonly connection: MongoConnection) {
    super();
  }

  override async note(erasures: readonly NotedErasure[]): Promise<void> {
    for (const { ref, at, position } of erasures) {
      const noted = { ...ref, at, position, pending: true };
      await this.run((db) =>
        againIfOvertaken(() => receiptsOf(db).updateOne({ _id: idOf(ref) }, { $setOnInsert: noted }, { upsert: true })),
      );
    }
  }

  override async pending(limit: number, after?: NotedErasure): Promise<readonly NotedErasure[]> {
    const behind = after && {
      $or: [{ at: { $gt: after.at } }, { at: { $eq: after.at }, _id: { $gt: idOf(after.ref) } }],
    };
    const options = { sort: { at: 1, _id: 1 }, limit } as const;
    const found = await this.run((db) =>
      receiptsOf(db)
        .find({ pending: { $eq: true }, ...behind }, options)
        .toArray(),
    );
    return found.map(({ subject, revision, at, position }) => ({
      ref: { subject, revision },
      at,
      position: position as Position,
    }));
  }

  override async clearPending(): Promise<void> {
    await this.run((db) => receiptsOf(db).deleteMany({ pending: { $eq: true } }));
  }

  override async issue(ref: KeyRef, receipt: string): Promise<string> {
    const filter = { _id: idOf(ref), pending: { $eq: true } };
    await this.run((db) => receiptsOf(db).updateOne(filter, { $set: { receipt, pending: false } }));
    const standing = await this.find(ref);
    if (standing === undefined) throw new RangeError('A receipt for an erasure that was never noted');
    return standing;
  }

  override async find(ref: KeyRef): Promise<string | undefined> {
    return (await this.run((db) => receiptsOf(db).findOne({ _id: idOf(ref) })))?.receipt;
  }

  override told(ref: KeyRef, webhookId: string, at: number): Promise<void> {
    return this.tell(ref, webhookId, { toldAt: at });
  }

  override acknowledged(ref: KeyRef, webhookId: string, at: number): Promise<void> {
    return this.tell(ref, webhookId, { toldAt: at, acknowledgedAt: at });
  }

  override async subscribers({ subject, revision }: KeyRef): Promise<readonly ToldSubscriber[]> {
    const filter = { subject: { $eq: subject }, revision: { $eq: revision } };
    const options = { sort: { toldAt: 1, webhookId: 1 } } as const;
    const found = await this.run((db) => toldOf(db).find(filter, options).toArray());
    return found.map(({ webhookId, toldAt, acknowledgedAt }) => ({
      webhookId,
      toldAt,
      ...(acknowledgedAt !== undefined && { acknowledgedAt }),
    }));
  }

  override async health(): Promise<void> {
    await this.connection.ping('receipts');
  }

  private async tell(ref: KeyRef, webhookId: string, times: Partial<ToldDocument>): Promise<void> {
    const filter = { _id: `${idOf(ref)} ${webhookId}` };
    const update = { $min: times, $setOnInsert: { ...ref, webhookId } };
    await this.run((db) => againIfOvertaken(() => toldOf(db).updateOne(filter, update, { upsert: true })));
  }

  private run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.connection.run('receipts', work);
  }
}

const receiptsOf = (db: Db): Collection<ReceiptDocument> => db.collection<ReceiptDocument>(RECEIPTS.name);
const toldOf = (db: Db): Collection<ToldDocument> => db.collection<ToldDocument>(TOLD.name);

/** Text by its making. */
const idOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;
