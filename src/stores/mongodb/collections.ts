import {
  type AnyBulkWriteOperation,
  type Collection,
  type Db,
  type Document,
  type IndexDescription,
  MongoBulkWriteError,
} from 'mongodb';
import { isDuplicateKey, isNamespaceExists, isOutOfReach } from './driver-errors.js';

export interface CollectionPlan {
  readonly name: string;
  /** What the server holds documents to, where it can. A guard against faults, not a part of any promise. */
  readonly schema: Document;
  readonly indexes: readonly IndexDescription[];
}

/**
 * Makes the collection with its indexes, or completes one that is there; several instances may do so at once. A schema is
 * set only when the collection is made: two releases that run side by side must not exchange each other's.
 * @returns whether the server took the schema; true for a collection that was there
 */
export async function ensureCollection(db: Db, { name, schema, indexes }: CollectionPlan): Promise<boolean> {
  const tookSchema = await createCollection(db, name, schema);
  // One by one: FerretDB 1.24 fails over several that are there.
  for (const index of indexes) await db.collection(name).createIndexes([index]);
  return tookSchema;
}

async function createCollection(db: Db, name: string, schema: Document): Promise<boolean> {
  try {
    await db.createCollection(name, { validator: { $jsonSchema: schema } });
    return true;
  } catch (error) {
    if (isNamespaceExists(error)) return true;
    if (isOutOfReach(error)) throw error;
  }
  // Compatible servers without validators refuse in many ways; one that refuses the collection itself says so here.
  await db.createCollection(name).catch((error: unknown) => {
    if (!isNamespaceExists(error)) throw error;
  });
  return false;
}

/** Upserts of one new document that race: all but one may fail, and find it when they try again. */
export async function againIfOvertaken<T>(upsert: () => Promise<T>): Promise<T> {
  try {
    return await upsert();
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return upsert();
  }
}

/** @returns undefined when there is a document of this id */
export async function unlessTaken<T>(insert: () => Promise<T>): Promise<T | undefined> {
  try {
    return await insert();
  } catch (error) {
    if (isDuplicateKey(error)) return undefined;
    throw error;
  }
}

/** Writes in any order; no document twice among them. */
export async function writeUnordered<D extends Document>(
  collection: Collection<D>,
  writes: readonly AnyBulkWriteOperation<D>[],
): Promise<void> {
  try {
    await collection.bulkWrite(writes, { ordered: false });
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteErrors().length > 0) throw error;
    // In the clothes of a refusal (driver 7.9): a lost connection, or whatever else kept the batch from being answered.
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- it is what the driver caught
    throw error.errorResponse;
  }
}
