import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { featuresOf, type MongoDbFeatures } from './mongodb-features.js';

export interface MongoDbServer {
  readonly url: string;
  readonly features: MongoDbFeatures;
  /** Whether it was started here: a FerretDB, which proves what is right, never what is fast. */
  readonly isOwn: boolean;
  /** Ends it, if it was started here. */
  stop(): Promise<void>;
}

/** For `notRun`, where {@link hasMongoDbServer} says there is none. */
export const NO_MONGODB = 'MONGODB_URL names no server, and FerretDB is not built (node tools/ferretdb.mjs)';

const START_MS = 20_000;

/** Where the files of a server that is started here lie; its own choice when absent. */
export interface ServerOptions {
  readonly folder?: string;
}

/**
 * A server to test against: the one that MONGODB_URL names, shared with every other test, or a FerretDB of the caller's
 * own, empty (from FERRETDB_BIN, else where `node tools/ferretdb.mjs` built it).
 *
 * @returns undefined where there is neither
 * @throws Error when FerretDB is there and does not start
 */
export async function mongoDbServer({ folder }: ServerOptions = {}): Promise<MongoDbServer | undefined> {
  const url = process.env['MONGODB_URL'];
  if (url) return { url, features: await featuresOf(url), isOwn: false, stop: () => Promise.resolve() };
  const file = ferretDbFile();
  return file === undefined ? undefined : startFerretDb(file, folder);
}

/** Whether {@link mongoDbServer} has one to give; known at once, so that a suite can be left out by name. */
export function hasMongoDbServer(): boolean {
  return Boolean(process.env['MONGODB_URL']) || ferretDbFile() !== undefined;
}

function ferretDbFile(): string | undefined {
  const find = (): string => execFileSync(process.execPath, ['tools/ferretdb.mjs', '--find'], { encoding: 'utf8' });
  return process.env['FERRETDB_BIN'] || find().trim() || undefined;
}

/** It ends when its standard input does, so also when this process is killed, and prints its address once it listens. */
async function startFerretDb(file: string, folder?: string): Promise<MongoDbServer> {
  const env = { ...process.env, ...(folder !== undefined && { TMPDIR: folder }) };
  const child = spawn(file, { stdio: ['pipe', 'pipe', 'pipe'], env });
  const ended = once(child, 'close');
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const slow = setTimeout(() => child.kill('SIGKILL'), START_MS);
  try {
    const [url] = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(() => [undefined])]);
    if (typeof url !== 'string') throw new Error(`FerretDB did not start: ${complaint.trim()}`);
    const stop = async (): Promise<void> => {
      child.stdin.end();
      await ended;
    };
    return { url, features: await featuresOf(url), isOwn: true, stop };
  } finally {
    clearTimeout(slow);
  }
}
