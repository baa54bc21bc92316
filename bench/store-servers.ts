import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { readConfig } from '../src/config.js';
import { ConfigError } from '../src/settings.js';
import { KEY } from './server.js';

/** Settings of the service, as its environment. */
export type ServiceSettings = Readonly<Record<string, string>>;

/** Where a service has its stores: on the servers its settings name, else embedded in the folder. */
export interface Place {
  readonly dataDir: string;
  readonly servers?: ServiceSettings;
}

export interface ServersFound {
  /** As they name themselves. */
  readonly views: string;
  readonly keys: string;
  /** A look-alike: it shows that the bench runs, and nothing of how fast a MongoDB is. */
  readonly lookAlike: boolean;
}

/** The environment names no servers that can be measured. */
export class NoServers extends Error {
  override readonly name = 'NoServers';
}

/** The servers the caller's environment names, on which each part of the bench has streams and databases of its own. */
export class StoreServers {
  readonly streamPrefix = `bench-${randomBytes(4).toString('hex')}-`;
  private readonly made: { readonly url: string; readonly database: string }[] = [];
  private parts = 0;

  private constructor(
    private readonly log: string,
    private readonly views: string,
    private readonly keys: string,
  ) {}

  /** @throws NoServers a URL is missing, or none that the service takes */
  static named(env: Readonly<Record<string, string | undefined>>): StoreServers {
    const { EVENTSTORE_URL: log, MONGODB_URL: views, KEYS_MONGODB_URL: keys } = env;
    if (!log || !views)
      throw new NoServers('--stores needs EVENTSTORE_URL and MONGODB_URL to name servers (see --help)');
    const servers = new StoreServers(log, views, keys || views);
    try {
      readConfig(servers.settingsFor('a', 'b', 'c-'));
    } catch (error) {
      throw error instanceof ConfigError ? new NoServers(error.message) : error;
    }
    return servers;
  }

  /** @throws Error one of them does not answer; its address is not repeated, since it may hold a password */
  async find(): Promise<ServersFound> {
    const [views, keys] = [await named('MONGODB_URL', this.views), await named('KEYS_MONGODB_URL', this.keys)];
    return { views, keys, lookAlike: [views, keys].includes(FERRETDB) };
  }

  /** A log and databases that nothing was written to yet, on the same servers. */
  fresh(dataDir: string): Required<Place> {
    this.parts += 1;
    const database = `customers_${this.streamPrefix.slice(0, -1).replace('-', '_')}_${this.parts}`;
    const keys = `${database}_keys`;
    this.made.push({ url: this.views, database }, { url: this.keys, database: keys });
    return { dataDir, servers: this.settingsFor(database, keys, `${this.streamPrefix}${this.parts}-`) };
  }

  /** Drops the databases. Events can't be: they stay in the log, in streams that begin with {@link streamPrefix}. */
  async drop(): Promise<void> {
    for (const { url, database } of this.made.splice(0)) {
      const client = new MongoClient(url, { serverSelectionTimeoutMS: 3_000 });
      try {
        await client.db(database).dropDatabase();
      } finally {
        await client.close();
      }
    }
  }

  private settingsFor(database: string, keys: string, prefix: string): ServiceSettings {
    return {
      EVENTSTORE_URL: this.log,
      EVENTSTORE_PREFIX: prefix,
      MONGODB_URL: inDatabase(this.views, database),
      KEYS_MONGODB_URL: inDatabase(this.keys, keys),
      MASTER_KEYS: MASTER_KEY,
      API_KEY_BOOTSTRAP: KEY,
    };
  }
}

const FERRETDB = 'FerretDB';
const MASTER_KEY = `bench:${randomBytes(32).toString('base64')}`;

async function named(setting: string, url: string): Promise<string> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 3_000 });
  try {
    const { version, ferretdbVersion } = await client.db('admin').command({ buildInfo: 1 });
    return ferretdbVersion === undefined ? `MongoDB ${String(version)}` : FERRETDB;
  } catch {
    throw new Error(`No server answers at the address in ${setting}, or it refuses the user`);
  } finally {
    await client.close();
  }
}

/** The same address with another path; users are then looked up where they were before. */
function inDatabase(url: string, name: string): string {
  const [, hosts = '', database = '', query = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]*)(?:\/([^?]*))?(\?.*)?$/.exec(url) ?? [];
  const authSource = hosts.includes('@') && !query.includes('authSource=') ? `authSource=${database || 'admin'}` : '';
  const options = [query.slice(1), authSource].filter((option) => option !== '').join('&');
  return `${hosts}/${name}${options === '' ? '' : `?${options}`}`;
}
