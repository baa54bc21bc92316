import type { Db } from 'mongodb';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { againIfOvertaken, type CollectionPlan, ensureCollection } from './collections.js';
import type { MongoConnection } from './mongo-connection.js';

/** How old a reading of the pointer may be when it is used. A rebuild waits two such periods for everyone to follow. */
export const POINTER_PERIOD_MS = 1_000;

interface PointerDocument {
  readonly _id: string;
  readonly live: number;
  /** Absent, as null, for none. */
  readonly building?: number | null;
  /** The one that was live before, while some may still read it: it is written to as well until it is dropped. */
  readonly retiring?: number | null;
  readonly next: number;
}

export interface Pointer {
  readonly live: number;
  readonly building: number | undefined;
  /**
   * All that a write goes to, the newest first. The projector takes for written what the one it looks into holds, and that
   * is the older one in doubt: only what is everywhere must be in it.
   */
  readonly targets: readonly number[];
  readonly next: number;
  /** Before it was asked for, on the monotonic clock. */
  readonly readAt: number;
}

const PLAN: CollectionPlan = {
  name: 'generations',
  schema: {
    bsonType: 'object',
    required: ['live', 'next'],
    properties: {
      live: { bsonType: 'number', minimum: 1 },
      building: { bsonType: ['number', 'null'] },
      retiring: { bsonType: ['number', 'null'] },
      next: { bsonType: 'number', minimum: 2 },
    },
  },
  indexes: [],
};
const ID = { _id: { $eq: 'customers' } } as const;
const FIRST = { live: 1, next: 2 };

/** Which generation of the views is served, which is being built: one document, that every instance reads anew each second. */
export class GenerationPointer {
  private reading: { readonly startedAt: number; readonly pointer: Promise<Pointer> } | undefined;

  constructor(
    private readonly connection: MongoConnection,
    private readonly periodMs: number,
  ) {}

  /** @returns whether the server took the schema */
  static async ensure(db: Db): Promise<boolean> {
    const tookSchema = await ensureCollection(db, PLAN);
    await againIfOvertaken(() => pointers(db).updateOne(ID, { $setOnInsert: FIRST }, { upsert: true }));
    return tookSchema;
  }

  /** At most a period old. @throws StoreUnavailable it can't be read: others may have switched meanwhile */
  async current(): Promise<Pointer> {
    // Not to wait for a reading that is the one try of an outage.
    this.connection.requireHope('read_model');
    if (this.reading === undefined || performance.now() - this.reading.startedAt >= this.periodMs) {
      const reading = { startedAt: performance.now(), pointer: this.fresh() };
      this.reading = reading;
      reading.pointer.catch(() => {
        if (this.reading === reading) this.reading = undefined;
      });
    }
    return this.reading.pointer;
  }

  async fresh(): Promise<Pointer> {
    const readAt = performance.now();
    const document = await this.connection.run('read_model', (db) => pointers(db).findOne(ID));
    if (document === null) {
      throw new StoreUnavailable('read_model', { cause: new Error('The pointer to the live generation is gone') });
    }
    const { live, building, retiring, next } = document;
    // FerretDB leaves out a null that an upsert inserts.
    const targets = [live, building, retiring]
      .filter((generation) => typeof generation === 'number')
      .sort((a, b) => b - a);
    return { live, building: building ?? undefined, targets, next, readAt };
  }

  /** @returns false when another began to build meanwhile */
  build({ next }: Pointer): Promise<boolean> {
    return this.change({ building: null, next }, { building: next, next: next + 1 });
  }

  /** @returns false when it is not under construction */
  switchTo(generation: number, { live }: Pointer): Promise<boolean> {
    // Where everyone looks each time, nobody reads the old one any more.
    const retiring = this.periodMs > 0 ? live : null;
    return this.change({ live, building: generation }, { live: generation, building: null, retiring });
  }

  /** From a period on nobody begins to write to it. @returns whether somebody may have */
  async forget(generation: number): Promise<boolean> {
    const wasBuilding = await this.change({ building: generation }, { building: null });
    const wasRetiring = await this.change({ retiring: generation }, { retiring: null });
    return wasBuilding || wasRetiring;
  }

  private async change(from: Partial<PointerDocument>, to: Partial<PointerDocument>): Promise<boolean> {
    const expected = Object.entries(from).map(([field, value]) => ({ [field]: { $eq: value } }));
    const { matchedCount } = await this.connection.run('read_model', (db) =>
      pointers(db).updateOne({ $and: [ID, ...expected] }, { $set: to }),
    );
    this.reading = undefined;
    return matchedCount === 1;
  }
}

const pointers = (db: Db) => db.collection<PointerDocument>(PLAN.name);
