import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { mongoDbServer, SELECTION } from './mongodb-server.js';
import { oneCommandAtATime } from './one-command-at-a-time.js';

export interface MongoDbDatabases {
  /** Whether the server has indexes that a query uses, and tells which. */
  readonly explains: boolean;
  readonly host: string;
  readonly port: number;
  /** Of a database that is not there yet; dropped at the end of the file. */
  fresh(): { readonly name: string; readonly url: string };
  /** For looking into a database from outside. */
  readonly client: MongoClient;
  drop(name: string): Promise<void>;
}

/** One server for all tests of a file; called where tests are defined, and of use while they run. */
export function mongoDbDatabases(): MongoDbDatabases {
  let url = '';
  let explains = false;
  let client: MongoClient | undefined;
  const made = new Set<string>();
  const ends: (() => unknown)[] = [];
  const connected = (): MongoClient => {
    if (client === undefined) throw new Error('The server runs while the tests do, not before');
    return client;
  };
  const drop = async (name: string): Promise<void> => {
    await connected().db(name).dropDatabase();
    made.delete(name);
  };

  beforeAll(async () => {
    const server = await mongoDbServer();
    if (server === undefined) throw new Error('There is no server; ask hasMongoDbServer() before');
    ends.push(() => server.stop());
    url = server.url;
    explains = server.kind === 'mongodb';
    if (!explains) {
      const { hostname, port } = new URL(url);
      const wire = await oneCommandAtATime(hostname, Number(port));
      ends.push(() => wire.close());
      url = `mongodb://${wire.address}/`;
    }
    client = await MongoClient.connect(url);
    ends.push(() => client?.close());
  });
  afterAll(async () => {
    for (const name of made) await drop(name);
    for (const end of ends.reverse()) await end();
  });

  const address = (): URL => new URL(url);
  return {
    get explains() {
      return explains;
    },
    get client() {
      return connected();
    },
    get host() {
      return address().hostname;
    },
    get port() {
      return Number(address().port || 27017);
    },
    fresh: () => {
      const name = `customers_test_${randomUUID()}`;
      made.add(name);
      return { name, url: inDatabase(url, name) };
    },
    drop,
  };
}

export async function dropDatabase(url: string, name: string): Promise<void> {
  const client = new MongoClient(url, SELECTION);
  try {
    await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}

/** The same address with another path; users are then looked up where they were before. */
export function inDatabase(url: string, name: string): string {
  const [, hosts = '', database = '', query = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]*)(?:\/([^?]*))?(\?.*)?$/.exec(url) ?? [];
  const authSource = hosts.includes('@') && !query.includes('authSource=') ? `authSource=${database || 'admin'}` : '';
  const options = [query.slice(1), authSource].filter((option) => option !== '').join('&');
  return `${hosts}/${name}${options === '' ? '' : `?${options}`}`;
}
