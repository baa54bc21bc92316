// node tools/ferretdb.mjs           builds the MongoDB wire server that the tests can use; once, into a cache folder
// node tools/ferretdb.mjs --find    prints where it is, or nothing; builds nothing
//
// It stands in for MongoDB where MONGODB_URL names none: a real connection and a real protocol. Ends with 0 also when it
// can't be built (no Go, no network): the tests that need it are then named as not run.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = 'v1.24.2';
const BUILD_MS = 9 * 60_000;
/** PostgreSQL is half of the program, and not used here. */
const BUILD = ['build', '-trimpath', '-tags', 'ferretdb_no_postgresql'];

const sources = fileURLToPath(new URL('ferretdb/', import.meta.url));

/** Another source is another file, so that a change is never hidden by what was built before. */
const builtFile = () => {
  const hash = createHash('sha256');
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(sources, file)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'customers-service', `ferretdb-${VERSION}`, `ferretdb-${hash.digest('hex').slice(0, 12)}`);
};

/** @type {(file: string) => string | undefined} why it was not built */
const buildInto = (file) => {
  mkdirSync(dirname(file), { recursive: true });
  const half = `${file}.${process.pid}`;
  const { error, signal, status, stderr } = spawnSync('go', [...BUILD, '-o', half, '.'], {
    cwd: sources,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: BUILD_MS,
    killSignal: 'SIGKILL',
  });
  try {
    if (error?.message.includes('ENOENT')) return 'there is no Go tool chain';
    if (signal !== null) return `it took longer than ${BUILD_MS / 60_000} minutes`;
    if (status !== 0) return stderr.trim().split('\n').at(-1) || `go ended with ${status}`;
    renameSync(half, file);
    return undefined;
  } finally {
    rmSync(half, { force: true });
  }
};

const file = builtFile();
if (process.argv[2] === '--find') {
  if (existsSync(file)) console.log(file);
} else if (existsSync(file)) {
  console.log(`FerretDB ${VERSION} for the tests: ${file}`);
} else {
  const started = performance.now();
  const why = buildInto(file);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    why === undefined
      ? `FerretDB ${VERSION} for the tests: built in ${seconds} s, ${file}`
      : `FerretDB ${VERSION} for the tests: not built (${why}); what needs it is named as not run`,
  );
}
