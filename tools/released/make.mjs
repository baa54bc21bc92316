// node tools/released/make.mjs [--out <folder>] [--release <version>]
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, root } from '../build.mjs';
import { bytesIn, inTemporaryFolder, sumsOf, withoutRowsInLog } from './folder.mjs';
import { LEAVINGS, liveAndLeave } from './lifetime.mjs';
import { admin } from './processes.mjs';

const USAGE = `node tools/released/make.mjs [--out <folder>] [--release <version>]

Makes the data folders of a release that the tests of all later releases open (test/released):

  <folder>/<version>/clean     left by a service that was stopped
  <folder>/<version>/killed    left by a service that was killed, with its write-ahead logs in place

Each holds folder/ (the files as the service left them) and expectations.json (what the service had answered). clean/ also
holds log.jsonl: its event log, sealed, in the form of \`audit export\`.

Run it once for each release, on the release's own sources, and commit what it makes. It never replaces what exists. It takes
about a minute and listens on a port of this machine.

  --out <folder>       default: test/released
  --release <version>  default: the version in package.json`;

/** @type {(...args: string[]) => string} */
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** @type {(leaving: import('./lifetime.mjs').Leaving, out: string, release: string) => Promise<void>} */
const make = async (leaving, out, release) => {
  const expectations = await inTemporaryFolder(async (dataDir) => {
    const lived = await liveAndLeave(leaving, dataDir);
    const lacking = leaving === 'killed' ? await withoutRowsInLog(dataDir) : [];
    if (lacking.length > 0) throw new Error(`Every row of ${lacking.join()} is in the main file: run this again`);
    mkdirSync(out, { recursive: true });
    // Shared memory of the processes that have a database open: the first process to open it makes it anew.
    const isKept = (/** @type {string} */ file) => !file.endsWith('-shm');
    cpSync(dataDir, join(out, 'folder'), { recursive: true, filter: isKept });
    return lived;
  });
  const about = 'A fixture for tests: all people in it are made up, and its keys protect nothing.';
  const commit = git('log', '-1', '--format=%H', '--', 'src');
  const written = { about, release, commit, left: leaving, ...expectations, files: sumsOf(join(out, 'folder')) };
  writeFileSync(join(out, 'expectations.json'), inLines(written));
  if (leaving === 'clean') await exportLog(out, expectations.settings);
  console.log(`${leaving}: ${bytesIn(join(out, 'folder'))} bytes of data, ${expectations.answers.length} answers`);
};

/** JSON with a line for each element of a list. @type {(expectations: Readonly<Record<string, unknown>>) => string} */
const inLines = (expectations) => {
  const lines = Object.entries(expectations).map(([name, value]) => {
    const items = Array.isArray(value) ? value.map((item) => `\n  ${JSON.stringify(item)}`) : undefined;
    return ` ${JSON.stringify(name)}: ${items === undefined ? JSON.stringify(value) : `[${items.join()}\n ]`}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
};

/** From a copy, since the command adds its own use to the log. @type {(out: string, settings: Record<string, string>) => Promise<void>} */
const exportLog = (out, settings) =>
  inTemporaryFolder(async (copy) => {
    cpSync(join(out, 'folder'), copy, { recursive: true });
    await admin({ dataDir: copy, settings, shiftMs: 0 }, 'audit', 'export', '--out', join(copy, 'bundle'));
    cpSync(join(copy, 'bundle/events.jsonl'), join(out, 'log.jsonl'));
  });

const { values } = parseArgs({
  options: { out: { type: 'string' }, release: { type: 'string' }, help: { type: 'boolean' } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const release = values.release ?? version;
const folder = join(resolve(values.out ?? join(root, 'test/released')), release);
if (existsSync(folder)) {
  console.error(`${folder} exists: the folders of a release are never made again`);
  process.exit(1);
}
if (git('status', '--porcelain', '--', 'src') !== '') {
  console.error('src/ has changes that are not committed: no release writes data with them');
  process.exit(1);
}
build();
await inTemporaryFolder(async (made) => {
  for (const leaving of LEAVINGS) await make(leaving, join(made, leaving), release);
  cpSync(made, folder, { recursive: true });
});
console.log(`Made ${folder}`);
