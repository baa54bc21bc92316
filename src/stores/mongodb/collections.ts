import type { AnyBulkWriteOperation, Collection, Db, Document, IndexDescription } from 'mongodb';
import { isDuplicateKey, isNamespaceExists, passing } from './driver-errors.js';
import { OvertakenTooOften } from './operation-errors.js';

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
    if (passing(error) !== undefined) throw error;
  }
  // Compatible servers without validators refuse in many ways; one that refuses the collection itself says so here.
  await db.createCollection(name).catch((error: unknown) => {
    if (!isNamespaceExists(error)) throw error;
  });
  return false;
}

/** How often a write that others overtook is tried again, at once. Each time another document must have come or gone. */
export const ROUNDS = 5;

/**
 * Upserts whose filters are equalities, one or a batch: of many that race to insert, all but one may meet a duplicate key
 * on a server that does not repeat them by itself, and find the document when they try again.
 */
export async function againIfOvertaken<T>(upsert: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await upsert();
    } catch (error) {
      if (!isDuplicateKey(error) || round === ROUNDS) throw error;
    }
  }
}

/** For an insertion, where a duplicate key says all. @returns undefined when there is a document of this key */
export async function unlessTaken<T>(insert: () => Promise<T>): Promise<T | undefined> {
  try {
    return await insert();
  } catch (error) {
    if (isDuplicateKey(error)) return undefined;
    throw error;
  }
}

/**
 * For an upsert whose filter lets only some documents of its id pass, for instance older ones. There a duplicate key does
 * not tell that the stored one does not pass: another may have inserted it since the filter was looked up.
 * @param exists whether there is a document of this id
 * @returns false when the stored one does not pass
 */
export async function upsertForward(
  write: (options: { readonly upsert: boolean }) => Promise<{ readonly matchedCount: number }>,
  exists: () => Promise<boolean>,
): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round += 1) {
    if ((await unlessTaken(() => write({ upsert: true }))) !== undefined) return true;
    if ((await write({ upsert: false })).matchedCount === 1) return true;
    if (await exists()) return false;
  }
  throw new OvertakenTooOften();
}

/** Writes in any order; no document twice among them. */
export async function writeUnordered<D extends Document>(
  collection: Collection<D>,
  writes: readonly AnyBulkWriteOperation<D>[],
): Promise<void> {
  await collection.bulkWrite(writes, { ordered: false });
}
