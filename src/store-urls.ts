import { ConfigError, type Settings } from './settings.js';

/** Where each store is; the embedded one where no URL is given. URLs can hold passwords: never in a line or an error. */
export interface StoreUrls {
  /** The event log, on EventStoreDB. */
  readonly eventstoreUrl?: string;
  /** Before the names of streams there, for a log that several environments share. */
  readonly eventstorePrefix?: string;
  /** Views, checkpoints and API keys, on MongoDB. */
  readonly mongodbUrl?: string;
  /** Subject keys, on MongoDB: a database of their own. */
  readonly keysMongodbUrl?: string;
}

/** Its end sets it apart from another that begins the same. */
const PREFIX = /^(?!customer-|source-)[A-Za-z0-9._-]{0,39}[-.]$/;
const MONGODB = ['mongodb', 'mongodb+srv'];

/** @throws ConfigError */
export function readStoreUrls(settings: Settings): StoreUrls {
  const eventstoreUrl = settings.connection('EVENTSTORE_URL', ['esdb', 'esdb+discover']);
  const eventstorePrefix = settings.text('EVENTSTORE_PREFIX');
  if (eventstorePrefix !== undefined && !PREFIX.test(eventstorePrefix)) {
    throw new ConfigError(
      'EVENTSTORE_PREFIX must have 1 to 40 characters of A-Z a-z 0-9 . _ -, end in - or . and not begin with customer- or source-',
    );
  }
  const mongodbUrl = settings.connection('MONGODB_URL', MONGODB);
  const keysMongodbUrl = settings.connection('KEYS_MONGODB_URL', MONGODB);
  if (mongodbUrl !== undefined && keysMongodbUrl === undefined) {
    throw new ConfigError(
      'KEYS_MONGODB_URL must be set beside MONGODB_URL: the subject keys need a database, credentials and a backup of ' +
        'their own, or a restored backup of the views brings erased values back',
    );
  }
  if (
    mongodbUrl !== undefined &&
    keysMongodbUrl !== undefined &&
    databaseOf(mongodbUrl, 'customers') === databaseOf(keysMongodbUrl, 'customers_keys')
  ) {
    throw new ConfigError('KEYS_MONGODB_URL must name another database than MONGODB_URL');
  }
  return {
    ...(eventstoreUrl !== undefined && { eventstoreUrl }),
    ...(eventstorePrefix !== undefined && { eventstorePrefix }),
    ...(mongodbUrl !== undefined && { mongodbUrl }),
    ...(keysMongodbUrl !== undefined && { keysMongodbUrl }),
  };
}

/** Hosts and database, without credentials and options; where no database is named, the one that the stores take. */
function databaseOf(url: string, byDefault: string): string {
  const [, hosts = '', name = ''] = /^[a-z+]+:\/\/(?:[^/?]*@)?([^/?]*)\/?([^?]*)/.exec(url) ?? [];
  const all = hosts.toLowerCase().split(',');
  const named = all.map((host) => (/:\d+$/.test(host) ? host : `${host}:27017`)).sort();
  return `${named.join()}/${name === '' ? byDefault : decodeURIComponent(name)}`;
}
