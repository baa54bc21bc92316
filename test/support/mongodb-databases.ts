import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { type MongoDbFeatures, SELECTION } from './mongodb-features.js';
import { mongoDbServer } from './mongodb-server.js';
import { atHost, hostIn, inDatabase, parsed } from './mongodb-url.js';
import { oneCommandAtATime } from './one-command-at-a-time.js';

export interface MongoDbDatabases {
  readonly features: MongoDbFeatures;
  /** Of the server, with its users and options; of the member that takes writes, where there are several. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Of a database that is not there yet; dropped at the end of the file. */
  fresh(): { readonly name: string; readonly url: string };
  /** For looking into a database from outside. */
  readonly client: MongoClient;
  drop(name: string): Promise<void>;
}

interface Running {
  readonly url: string;
  /** The address for whoever connects to one member alone. */
  readonly memberUrl: string;
  readonly features: MongoDbFeatures;
  readonly client: MongoClient;
}

/** One server for all tests of a file; called where tests are defined, and of use while they run. */
export function mongoDbDatabases(): MongoDbDatabases {
  let running: Running | undefined;
  const made = new Set<string>();
  const ends: (() => unknown)[] = [];
  const server = (): Running => {
    if (running === undefined) throw new Error('The server runs while the tests do, not before');
    return running;
  };
  const drop = async (name: string): Promise<void> => {
    await server().client.db(name).dropDatabase();
    made.delete(name);
  };

  beforeAll(async () => {
    const found = await mongoDbServer();
    if (found === undefined) throw new Error('There is no server; ask hasMongoDbServer() before');
    ends.push(() => found.stop());
    let { url } = found;
    if (!found.features.changesInOneStep) {
      const wire = await oneCommandAtATime(url);
      ends.push(() => wire.close());
      ({ url } = wire);
    }
    const client = await MongoClient.connect(url, SELECTION);
    ends.push(() => client.close());
    running = { url, memberUrl: await ofPrimary(client, url), features: found.features, client };
  });
  afterAll(async () => {
    for (const name of made) await drop(name);
    for (const end of ends.reverse()) await end();
  });

  const member = () => hostIn(parsed(server().memberUrl).hosts[0] ?? '');
  return {
    get features() {
      return server().features;
    },
    get client() {
      return server().client;
    },
    get url() {
      return server().memberUrl;
    },
    get host() {
      return member().host;
    },
    get port() {
      return member().port;
    },
    fresh: () => {
      const name = `customers_test_${randomUUID()}`;
      made.add(name);
      return { name, url: inDatabase(server().url, name) };
    },
    drop,
  };
}

/** A proxy stands before one member; only the primary takes writes. */
async function ofPrimary(client: MongoClient, url: string): Promise<string> {
  const { primary } = await client.db('admin').command({ hello: 1 });
  const [first] = client.options.hosts.map(String);
  return atHost(url, typeof primary === 'string' ? primary : (first ?? ''));
}

export async function dropDatabase(url: string, name: string): Promise<void> {
  const client = new MongoClient(url, SELECTION);
  try {
    await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}
