import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, readConfig } from '../../src/config.js';
import { Ends } from './ends.js';
import { dropDatabase } from './mongodb-databases.js';
import { featuresOf } from './mongodb-features.js';
import { inDatabase } from './mongodb-url.js';
import { oneCommandAtATime } from './one-command-at-a-time.js';

/** Whether this run is one against the servers that are named (`npm run test:stores`); any other leaves them alone. */
export const onServers = process.env['TEST_STORES'] === 'servers';

const named = (name: string): string | undefined => (onServers && process.env[name]) || undefined;
const eventstoreUrl = named('EVENTSTORE_URL');
const mongodbUrl = named('MONGODB_URL');
const keysMongodbUrl = named('KEYS_MONGODB_URL') ?? mongodbUrl;

export const viewsOnServer = mongodbUrl !== undefined;
export const logOnServer = eventstoreUrl !== undefined;
/** Without indexes it looks through all documents for each command: hundreds of them take it seconds. */
export const viewsWithoutIndexes = async (): Promise<boolean> =>
  mongodbUrl !== undefined && !(await featuresOf(mongodbUrl)).explains;
/** Whether all stores are, so that several instances can share them. */
export const allOnServers = logOnServer && viewsOnServer;

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

/**
 * Where one app, or several, have stores that outlive them: on the servers of this run, under names that nobody else has;
 * the others, or all, in a folder.
 */
export class Place {
  private constructor(
    /** The settings that lead there. */
    readonly env: Readonly<Record<string, string>>,
    private readonly ends: Ends,
  ) {}

  static make(): Promise<Place> {
    const ends = new Ends();
    return ends.orRun(async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'customers-'));
      ends.add(() => rm(dataDir, { recursive: true, force: true }));
      const name = randomUUID().slice(0, 8);
      const settings = { DATA_DIR: dataDir, ...logSettings(name), ...(await mongoSettings(name, ends)) };
      return new Place(settings, ends);
    });
  }

  get config(): Config {
    return readConfig(this.env);
  }

  get dataDir(): string {
    return this.config.dataDir;
  }

  /** What was in it is gone; events, which can't be taken back, stay in the log under their prefix. */
  leave(): Promise<void> {
    return this.ends.run();
  }
}

const logSettings = (name: string): Record<string, string> =>
  eventstoreUrl === undefined ? {} : { EVENTSTORE_URL: eventstoreUrl, EVENTSTORE_PREFIX: `test-${name}-` };

async function mongoSettings(name: string, ends: Ends): Promise<Record<string, string>> {
  if (mongodbUrl === undefined || keysMongodbUrl === undefined) return {};
  return {
    MONGODB_URL: await freshDatabase(mongodbUrl, `customers_test_${name}`, ends),
    KEYS_MONGODB_URL: await freshDatabase(keysMongodbUrl, `customers_test_${name}_keys`, ends),
    MASTER_KEYS: `test:${MASTER_KEY}`,
    API_KEY_BOOTSTRAP: 'bootstrap-key-for-tests-only',
  };
}

/** @returns its address; it is dropped at the end */
async function freshDatabase(server: string, name: string, ends: Ends): Promise<string> {
  ends.add(() => dropDatabase(server, name));
  if ((await featuresOf(server)).changesInOneStep) return inDatabase(server, name);
  const wire = await oneCommandAtATime(server);
  ends.add(() => wire.close());
  return inDatabase(wire.url, name);
}
