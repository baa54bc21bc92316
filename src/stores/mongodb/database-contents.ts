import { BSON, type Db, type Filter } from 'mongodb';
import { MongoConnection, SETUP_MS } from './mongo-connection.js';

export interface CollectionContents {
  readonly name: string;
  /** About. */
  readonly documents: number;
  /** Each document as the server keeps it (BSON: text in UTF-8), a batch at a time. */
  readonly pieces: () => AsyncIterable<readonly Uint8Array[]>;
}

const BATCH = 200;
const PAGE_MS = 60_000;

/** Everything in the collections of a database. @throws UrlRefused @throws StoreUnavailable */
export async function withCollections<T>(
  url: string,
  defaultDatabase: string,
  work: (collections: readonly CollectionContents[]) => Promise<T>,
): Promise<T> {
  const connection = new MongoConnection({ url, defaultDatabase });
  try {
    const found = await connection.run(
      'read_model',
      async (db) => {
        const infos = await db.listCollections({}, { nameOnly: true }).toArray();
        const named = infos.filter(({ name }) => !name.startsWith('system.'));
        return Promise.all(
          named.map(async ({ name }) => ({ name, documents: await db.collection(name).estimatedDocumentCount() })),
        );
      },
      SETUP_MS,
    );
    return await work(found.map((info) => ({ ...info, pieces: () => documentsOf(connection, info.name) })));
  } finally {
    await connection.close();
  }
}

/** In the order of `_id` (text, in all of ours), each page a query of its own: no cursor has to live on. */
async function* documentsOf(connection: MongoConnection, name: string): AsyncGenerator<readonly Uint8Array[]> {
  for (let after: string | undefined; ;) {
    const from = after === undefined ? {} : { _id: { $gt: after } };
    const page = await connection.run('read_model', (db) => rawPage(db, name, from), PAGE_MS);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    const { _id }: { _id?: unknown } = BSON.deserialize(last);
    if (typeof _id !== 'string') return;
    after = _id;
  }
}

async function rawPage(db: Db, name: string, from: Filter<{ _id: string }>): Promise<readonly Uint8Array[]> {
  const found = db.collection<{ _id: string }>(name).find(from, { sort: { _id: 1 }, limit: BATCH, raw: true });
  const page: unknown[] = await found.toArray();
  return page.filter((document) => document instanceof Uint8Array);
}
