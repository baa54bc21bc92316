// node tools/test.mjs [--long] [--stores] [arguments for Jest]
//
// Builds first, because some tests start dist/main.js as a process. Jest gets its flag as an argument and not through
// NODE_OPTIONS, so that the processes which tests start don't inherit it.
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, root } from './build.mjs';

const USAGE = `npm test -- [arguments for Jest]          every test this machine can run
npm run test:long -- [...]                the same, with the large figures
npm run test:stores -- [--long] [...]     the contract suites, the HTTP end-to-end suite and the crash test on servers:
    EVENTSTORE_URL     where the event log is, for instance esdb://localhost:2113?tls=false
    MONGODB_URL        where all else is, for instance mongodb://localhost:27017; databases are made in it, and dropped
    KEYS_MONGODB_URL   where the subject keys are, if not there too
  One of the first two is enough; what the other is needed for is named as not run. Use servers that hold nothing of value.
Arguments for Jest are paths of tests and its own options; paths come first, and take the place of those that would run.`;

const ON_SERVERS = ['test/contracts/', 'test/e2e/', 'test/faults/crash.spec'];
/** That one is about the data folder of the embedded stores. */
const BUT_NOT = '--testPathIgnorePatterns=/node_modules/|e2e/start.spec';

const args = process.argv.slice(2);
/** @type {(flag: string) => boolean} whether it was there; it is taken out */
const take = (flag) => {
  const at = args.indexOf(flag);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
};

if (take('--help')) {
  console.log(USAGE);
  process.exit(0);
}
const long = take('--long');
const stores = take('--stores');
const missing = stores ? ['EVENTSTORE_URL', 'MONGODB_URL'].filter((name) => !process.env[name]) : [];
if (missing.length === 2) {
  console.error('test:stores needs EVENTSTORE_URL or MONGODB_URL, or both, to name a server (--help tells more)');
  process.exit(2);
}
if (stores) {
  if (args[0]?.startsWith('-') ?? true) args.unshift(...ON_SERVERS);
  // One at a time, for they share the servers, which may be slow and far away.
  args.push('--runInBand', BUT_NOT);
  if (!long) args.push('--testTimeout=120000');
}

const report = join(root, 'test-output/jest.json');
rmSync(report, { force: true });
build();

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const child = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    '--json',
    `--outputFile=${report}`,
    ...args,
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(long && { TEST_SCALE: 'long' }), ...(stores && { TEST_STORES: 'servers' }) },
  },
);
/** Jest writes its report when all is done; then it should end, which it does not while a test has left a client open. */
const END_MS = 30_000;
let hung = false;
let reportedAt = Infinity;
const watch = setInterval(() => {
  if (existsSync(report)) reportedAt = Math.min(reportedAt, Date.now());
  if (hung || Date.now() - reportedAt < END_MS) return;
  hung = true;
  console.error('Jest did not end after its last test, and was ended: a test has left something open');
  child.kill('SIGKILL');
}, 1_000);
const passOn = (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal);
process.on('SIGINT', passOn).on('SIGTERM', passOn);
child.on('close', (status) => {
  clearInterval(watch);
  for (const name of missing) {
    const what =
      name === 'MONGODB_URL' ? 'views, keys, API keys and checkpoints on MongoDB' : 'the log on EventStoreDB';
    console.error(`NOT RUN: ${what}, in the contract, end-to-end and crash tests: ${name} names no server\n`);
  }
  process.exitCode = status ?? 1;
});
