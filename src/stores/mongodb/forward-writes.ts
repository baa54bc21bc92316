import { type AnyBulkWriteOperation, type Collection, MongoBulkWriteError } from 'mongodb';
import { ROUNDS, unlessTaken, upsertForward } from './collections.js';
import type { CustomerDocument } from './customer-documents.js';
import { isDuplicateKey } from './driver-errors.js';
import { OvertakenTooOften } from './operation-errors.js';

type Customers = Collection<CustomerDocument>;
type Documents = readonly CustomerDocument[];

/**
 * Writes each document unless the stored one is as new or newer. At most one of a customer: a server is free to take an
 * unordered batch in any order.
 *
 * A duplicate key means that the customer has a document, not that it is a newer one: another may have inserted the first
 * one, of an older version, between this write's look-up and its insertion. (A MongoDB repeats such an upsert by itself
 * only when its filter is an equality.) So it is written again, and looked at, until what is stored is as new.
 */
export async function writeForward(customers: Customers, documents: Documents): Promise<void> {
  let left = documents;
  for (let round = 0; left.length > 0; round += 1) {
    if (round === ROUNDS) throw new OvertakenTooOften();
    const taken = await writeTogether(customers, left);
    if (taken === undefined) return writeOneByOne(customers, left);
    left = await replaceOlder(customers, taken);
  }
}

/** @returns those whose id was taken; undefined when the server stopped at the first, as some look-alikes do */
async function writeTogether(customers: Customers, documents: Documents): Promise<Documents | undefined> {
  try {
    await customers.bulkWrite(documents.map(guarded), { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
    const { insertedCount, matchedCount, upsertedCount } = error.result;
    const taken = new Set(error.result.getWriteErrors().map(({ index }) => index));
    if (insertedCount + matchedCount + upsertedCount + taken.size < documents.length) return undefined;
    return documents.filter((document, at) => taken.has(at) && !isFirst(document));
  }
}

/** Those that have a document. @returns the ones whose stored document is older still, or gone again */
async function replaceOlder(customers: Customers, documents: Documents): Promise<Documents> {
  if (documents.length === 0) return [];
  const { matchedCount } = await customers.bulkWrite(
    documents.map((document) => ({ replaceOne: { filter: olderThan(document), replacement: withoutId(document) } })),
    { ordered: false },
  );
  if (matchedCount === documents.length) return [];
  const ids = documents.map(({ _id }) => _id);
  const options = { projection: { version: 1 }, batchSize: ids.length + 1 } as const;
  const stored = await customers.find({ _id: { $in: ids } }, options).toArray();
  const versions = new Map(stored.map(({ _id, version }) => [_id, version]));
  return documents.filter(({ _id, version }) => (versions.get(_id) ?? -1) < version);
}

async function writeOneByOne(customers: Customers, documents: Documents): Promise<void> {
  for (const document of documents) {
    if (isFirst(document)) {
      await unlessTaken(() => customers.insertOne(document));
      continue;
    }
    const write = (options: { readonly upsert: boolean }) =>
      customers.replaceOne(olderThan(document), withoutId(document), options);
    const exists = async () => (await customers.findOne({ _id: { $eq: document._id } }, ID_ALONE)) !== null;
    await upsertForward(write, exists);
  }
}

const ID_ALONE = { projection: { _id: 1 } } as const;

const guarded = (document: CustomerDocument): AnyBulkWriteOperation<CustomerDocument> =>
  isFirst(document)
    ? { insertOne: { document } }
    : { replaceOne: { filter: olderThan(document), replacement: withoutId(document), upsert: true } };

/** No stored one is older. */
const isFirst = ({ version }: CustomerDocument): boolean => version === 0;

const olderThan = ({ _id, version }: CustomerDocument) => ({ _id: { $eq: _id }, version: { $lt: version } });

function withoutId({ _id, ...fields }: CustomerDocument): Omit<CustomerDocument, '_id'> {
  return fields;
}
