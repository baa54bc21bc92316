import { setTimeout as delay } from 'node:timers/promises';
import type { Collection, Db } from 'mongodb';
import type { CustomerView } from '../../customers/read-model/customer-view.js';
import {
  type Cursor,
  type CustomerPage,
  CustomerViews,
  type Generations,
  type ListFilter,
} from '../../customers/read-model/customer-views.js';
import { ensureCollection } from './collections.js';
import { type CustomerDocument, customersPlan, generationIn, INDEX, nameOf, toDocument } from './customer-documents.js';
import { dependsOnUpdated, FEW, stretchesOf, updatedIn } from './customer-list.js';
import { writeForward } from './forward-writes.js';
import { GenerationPointer, POINTER_PERIOD_MS } from './generation-pointer.js';
import { type MongoConnection, SETUP_MS } from './mongo-connection.js';

/** Of a large save, so that each piece is done well within the time of an operation. FerretDB 1.24 hangs over 100. */
const SAVED_AT_ONCE = 50;
/** A generation is dropped no sooner than so long after the switch: an answer that came within this time is a right one. */
const READING_HOLDS_MS = 2 * POINTER_PERIOD_MS;

const VIEW = { projection: { view: 1 } } as const;
type Customers = Collection<CustomerDocument>;

/** Made ready by {@link prepareCustomerViews}. */
export class MongoCustomerViews extends CustomerViews {
  private readonly pointer: GenerationPointer;

  /** @param pointerPeriodMs how old a reading of the pointer may be; the same in every process that uses the views */
  constructor(
    private readonly connection: MongoConnection,
    private readonly pointerPeriodMs = POINTER_PERIOD_MS,
  ) {
    super();
    this.pointer = new GenerationPointer(connection, pointerPeriodMs);
  }

  override get interruptions(): number {
    return this.connection.interruptions;
  }

  override get(id: string): Promise<CustomerView | undefined> {
    return this.read(undefined, async (customers) => (await customers.findOne({ _id: { $eq: id } }, VIEW))?.view);
  }

  override list(filter: ListFilter, limit: number, cursor?: Cursor): Promise<CustomerPage> {
    return this.read(undefined, async (customers, db) => {
      const found: CustomerView[] = [];
      const few = await fewUpdated(db, customers.collectionName, filter);
      for (const { filter: where, sort, hint } of stretchesOf(filter, cursor, few)) {
        const wanted = limit + 1 - found.length;
        if (wanted === 0) break;
        const options = { ...VIEW, sort, hint, limit: wanted, batchSize: wanted + 1 };
        found.push(...(await customers.find(where, options).toArray()).map(({ view }) => view));
      }
      const views = found.slice(0, limit);
      if (cursor?.direction === 'before') views.reverse();
      return { views, hasMore: found.length > limit };
    });
  }

  override dueForErasure(now: number, limit: number): Promise<readonly string[]> {
    return this.read(undefined, async (customers) => {
      const options = { projection: { _id: 1 }, hint: INDEX.due, limit, batchSize: limit + 1 } as const;
      const due = customers.find({ forgetDueMs: { $lte: now } }, { ...options, sort: { forgetDueMs: 1, _id: 1 } });
      return (await due.toArray()).map(({ _id }) => _id);
    });
  }

  override getMany(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, CustomerView>> {
    return this.read(generation, async (customers) => {
      const found = await customers.find({ _id: { $in: [...ids] } }, { ...VIEW, batchSize: ids.length + 1 }).toArray();
      return new Map(found.map(({ _id, view }) => [_id, view]));
    });
  }

  override ids(after: string | undefined, limit: number): Promise<readonly string[]> {
    return this.read(undefined, async (customers) => {
      const options = { projection: { _id: 1 }, sort: { _id: 1 }, limit } as const;
      const found = await customers.find({ _id: { $gt: after ?? '' } }, options).toArray();
      return found.map(({ _id }) => _id);
    });
  }

  override versions(ids: readonly string[], generation?: number): Promise<ReadonlyMap<string, number>> {
    return this.read(generation, async (customers) => {
      const options = { projection: { version: 1 }, batchSize: ids.length + 1 };
      const found = await customers.find({ _id: { $in: [...ids] } }, options).toArray();
      return new Map(found.map(({ _id, version }) => [_id, version]));
    });
  }

  override async save(views: readonly CustomerView[], generation?: number): Promise<void> {
    if (views.length === 0) return;
    const documents = newestOfEach(views).map(toDocument);
    for (let at = 0; at < documents.length; at += SAVED_AT_ONCE) {
      const some = documents.slice(at, at + SAVED_AT_ONCE);
      const targets = generation === undefined ? (await this.pointer.current()).targets : [generation];
      for (const target of targets) {
        await this.connection.run('read_model', (db) => writeForward(customersOf(db, target), some));
      }
    }
  }

  /** Read fresh. */
  override async generations(): Promise<Generations> {
    const { live, building } = await this.pointer.fresh();
    return { live, ...(building !== undefined && { building }) };
  }

  override async startBuilding(): Promise<number> {
    const { live } = await this.pointer.fresh();
    for (const generation of await this.allGenerations()) {
      if (generation !== live) await this.dropGeneration(generation);
    }
    const pointer = await this.pointer.fresh();
    const { next } = pointer;
    // Before anyone can write to it, so that it has its indexes from the start.
    await this.connection.run('read_model', (db) => ensureCollection(db, customersPlan(next)), SETUP_MS);
    if (!(await this.pointer.build(pointer))) throw new Error('Another generation is under construction');
    return next;
  }

  override async goLive(generation: number): Promise<void> {
    const pointer = await this.pointer.fresh();
    if (pointer.live === generation) return;
    if (!(await this.pointer.switchTo(generation, pointer)))
      throw new Error('Only the generation under construction can go live');
  }

  override async dropGeneration(generation: number): Promise<void> {
    const name = nameOf(generation);
    if ((await this.pointer.fresh()).live === generation) throw new Error('The live generation is in use');
    // It can't go live from here on: that takes one under construction, and numbers are not used again.
    if (await this.pointer.forget(generation)) await this.untilNobodyWrites();
    if ((await this.pointer.fresh()).live === generation) throw new Error('The live generation is in use');
    await this.connection.run('read_model', (db) => db.dropCollection(name), SETUP_MS);
  }

  override async health(): Promise<void> {
    await this.pointer.fresh();
  }

  /** What comes too late is not taken: the generation may have been dropped while it was read. */
  private async read<T>(
    generation: number | undefined,
    work: (customers: Customers, db: Db) => Promise<T>,
  ): Promise<T> {
    if (generation !== undefined) {
      return this.connection.run('read_model', (db) => work(customersOf(db, generation), db));
    }
    const { live, readAt } = await this.pointer.current();
    const left = READING_HOLDS_MS - (performance.now() - readAt);
    return this.connection.run('read_model', (db) => work(customersOf(db, live), db), left);
  }

  /** A write after the drop would make the collection anew, and nothing would ever be redacted there. */
  private async untilNobodyWrites(): Promise<void> {
    if (this.pointerPeriodMs > 0) await delay(this.pointerPeriodMs + 2 * this.connection.operationMs);
  }

  private allGenerations(): Promise<readonly number[]> {
    return this.connection.run('read_model', async (db) => {
      const collections = await db.listCollections({}, { nameOnly: true }).toArray();
      return collections.flatMap(({ name }) => generationIn(name) ?? []);
    });
  }
}

/** Makes the pointer, and the collections it points at. @returns whether the server took the schemas */
export async function prepareCustomerViews(connection: MongoConnection): Promise<boolean> {
  const pointerTook = await connection.run('read_model', (db) => GenerationPointer.ensure(db), SETUP_MS);
  const { targets } = await new GenerationPointer(connection, 0).fresh();
  const took = [pointerTook];
  for (const target of targets) {
    took.push(await connection.run('read_model', (db) => ensureCollection(db, customersPlan(target)), SETUP_MS));
  }
  return took.every(Boolean);
}

const customersOf = (db: Db, generation: number): Customers => db.collection<CustomerDocument>(nameOf(generation));

/** By the command that counts: the driver's own `countDocuments` is an aggregation. */
async function fewUpdated(db: Db, collection: string, filter: ListFilter): Promise<boolean> {
  if (!dependsOnUpdated(filter) || filter.updatedTime === undefined) return false;
  const query = updatedIn(filter.updatedTime);
  const { n }: { n?: unknown } = await db.command({ count: collection, query, limit: FEW + 1, hint: INDEX.updated });
  return typeof n === 'number' && n <= FEW;
}

function newestOfEach(views: readonly CustomerView[]): readonly CustomerView[] {
  const newest = new Map<string, CustomerView>();
  for (const view of views) {
    if (view.version >= (newest.get(view.id)?.version ?? 0)) newest.set(view.id, view);
  }
  return [...newest.values()];
}
