import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';

/** A test that can't have its server should say so, and not wait for half a minute. */
export const SELECTION = { serverSelectionTimeoutMS: 5_000 } as const;

/** What a server that speaks the protocol has of a MongoDB, as it showed when it was asked. */
export interface MongoDbFeatures {
  /** It changes a document in one step, also while others change it. FerretDB 1 reads first and writes then. */
  readonly changesInOneStep: boolean;
  /** It refuses documents that are against the `$jsonSchema` of their collection. */
  readonly validates: boolean;
  /** A query uses the index that it names, and `explain` tells so, and what it examined. */
  readonly explains: boolean;
}

const known = new Map<string, Promise<MongoDbFeatures>>();

/** Asked once for each address. */
export function featuresOf(url: string): Promise<MongoDbFeatures> {
  const features = known.get(url) ?? ask(url);
  known.set(url, features);
  return features;
}

async function ask(url: string): Promise<MongoDbFeatures> {
  const client = new MongoClient(url, SELECTION);
  const db = client.db(`customers_test_${randomUUID()}`);
  try {
    const told = await client.db('admin').command({ buildInfo: 1 });
    const features = {
      // Told by the first generation of FerretDB alone; the second one has `ferretdb`.
      changesInOneStep: !('ferretdbVersion' in told),
      validates: await validates(db),
      explains: await explains(db),
    };
    await db.dropDatabase();
    return features;
  } finally {
    await client.close();
  }
}

async function validates(db: Db): Promise<boolean> {
  try {
    const validator = { $jsonSchema: { bsonType: 'object', required: ['wanted'] } };
    const collection = await db.createCollection('validated', { validator });
    await collection.insertOne({});
    return false;
  } catch (error) {
    const DOCUMENT_VALIDATION_FAILURE = 121;
    return codeOf(error) === DOCUMENT_VALIDATION_FAILURE;
  }
}

async function explains(db: Db): Promise<boolean> {
  const collection = db.collection('explained');
  await collection.createIndexes([{ key: { n: 1 }, name: 'by_n' }]);
  await collection.insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
  try {
    const told = await collection.find({ n: { $gte: 3 } }, { hint: 'by_n' }).explain('executionStats');
    const { queryPlanner, executionStats } = told;
    return JSON.stringify(queryPlanner?.winningPlan ?? '').includes('by_n') && executionStats?.totalDocsExamined === 1;
  } catch {
    return false;
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
