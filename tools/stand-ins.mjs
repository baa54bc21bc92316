// node tools/stand-ins.mjs [options] <command> [arguments], for instance: node tools/stand-ins.mjs npm run test:stores
//
// Runs the command with EVENTSTORE_URL and MONGODB_URL naming servers that stand in for the real ones and end with it: the
// EventStoreDB of the tests, and FerretDB where `node tools/ferretdb.mjs` has built it. They prove what runs, not how fast.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { transformFileSync } from '@swc/core';
import { root } from './build.mjs';

const USAGE = `node tools/stand-ins.mjs [options] <command> [arguments]
    --slow <least>-<most>   each answer of the EventStoreDB server is so many milliseconds late
    --foreign <count>       its log already holds so many events that others wrote
    --help                  this`;

/** @type {(least: number, most: number) => () => number} the same for each run */
const latenesses = (least, most) => {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return least + ((most - least) * state) / 2_147_483_647;
  };
};

/** @type {(options: { slow?: string | undefined, foreign?: string | undefined }) => Promise<string>} its address */
const startEventStoreDb = async ({ slow, foreign = '0' }) => {
  const [from, to] = [join(root, 'test/support/eventstoredb-server'), join(root, 'dist-tools/eventstoredb-server')];
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from).filter((name) => !name.endsWith('.spec.ts'))) {
    const { code } = transformFileSync(join(from, file), { swcrc: true });
    writeFileSync(join(to, file.replace(/ts$/, 'js')), code);
  }
  const { EventStoreDbServer } = await import(pathToFileURL(join(to, 'server.js')).href);
  const server = await EventStoreDbServer.start();
  server.log.writeForeign(Number(foreign));
  if (slow !== undefined) {
    const [least = 0, most = least] = slow.split('-').map(Number);
    server.faults.lateness = latenesses(least, most);
  }
  return server.url;
};

/** @returns {Promise<string>} its address, or nothing where it is not built */
const startFerretDb = async () => {
  const args = [join(root, 'tools/ferretdb.mjs'), '--find'];
  const file = spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout.trim();
  if (file === '') return '';
  // It ends with its standard input, which is this process's to hold.
  const { stdout } = spawn(file, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [url] = await once(createInterface(stdout), 'line');
  return url;
};

const OPTIONS = /** @type {const} */ ({
  slow: { type: 'string' },
  foreign: { type: 'string' },
  help: { type: 'boolean' },
});
/** What follows the command is the command's. */
const at = process.argv.findIndex(
  (argument, place) =>
    place > 1 && !argument.startsWith('--') && !/^--(slow|foreign)$/.test(process.argv[place - 1] ?? ''),
);
const [own, [command = 'true', ...args]] =
  at < 0 ? [process.argv.slice(2), []] : [process.argv.slice(2, at), process.argv.slice(at)];
const { values: options } = parseArgs({ args: own, options: OPTIONS });
if (options.help === true) {
  console.log(USAGE);
  process.exit(0);
}
const urls = {
  EVENTSTORE_URL: await startEventStoreDb(options),
  MONGODB_URL: await startFerretDb(),
  KEYS_MONGODB_URL: '',
};
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...urls } });
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
const [code] = await once(child, 'close');
process.exit(code ?? 1);
