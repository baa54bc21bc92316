import { type AnyBulkWriteOperation, type Collection, MongoBulkWriteError } from 'mongodb';
import type { CustomerDocument } from './customer-documents.js';
import { isDuplicateKey } from './driver-errors.js';

type Customers = Collection<CustomerDocument>;

/**
 * Writes each document unless the stored one is as new or newer. At most one of a customer: a server is free to take an
 * unordered batch in any order.
 */
export async function writeForward(customers: Customers, documents: readonly CustomerDocument[]): Promise<void> {
  if (await writeTogether(customers, documents)) return;
  for (const document of documents) await writeAlone(customers, document);
}

/** @returns false when the server stopped at the first that was there already, as some look-alikes do */
async function writeTogether(customers: Customers, documents: readonly CustomerDocument[]): Promise<boolean> {
  try {
    await customers.bulkWrite(documents.map(guarded), { ordered: false });
    return true;
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    if (!isDuplicateKey(error)) throw error;
    const { result } = error;
    const refused = result.getWriteErrors();
    return result.insertedCount + result.matchedCount + result.upsertedCount + refused.length >= documents.length;
  }
}

async function writeAlone(customers: Customers, document: CustomerDocument): Promise<void> {
  try {
    if (isFirst(document)) await customers.insertOne(document);
    else await customers.replaceOne(olderThan(document), withoutId(document), { upsert: true });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}

const guarded = (document: CustomerDocument): AnyBulkWriteOperation<CustomerDocument> =>
  isFirst(document)
    ? { insertOne: { document } }
    : { replaceOne: { filter: olderThan(document), replacement: withoutId(document), upsert: true } };

/** No stored one is older. */
const isFirst = ({ version }: CustomerDocument): boolean => version === 0;

/** Finds nothing where a newer one is stored; the insertion that follows then fails on the id. */
const olderThan = ({ _id, version }: CustomerDocument) => ({ _id: { $eq: _id }, version: { $lt: version } });

function withoutId({ _id, ...fields }: CustomerDocument): Omit<CustomerDocument, '_id'> {
  return fields;
}
