// node tools/stand-ins.mjs <command> [arguments], for instance: node tools/stand-ins.mjs npm run test:stores
//
// Runs the command with EVENTSTORE_URL and MONGODB_URL naming servers that stand in for the real ones and end with it: the
// EventStoreDB of the tests, and FerretDB where `node tools/ferretdb.mjs` has built it. They prove what runs, not how fast.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { transformFileSync } from '@swc/core';
import { root } from './build.mjs';

/** @returns {Promise<string>} its address */
const startEventStoreDb = async () => {
  const [from, to] = [join(root, 'test/support/eventstoredb-server'), join(root, 'dist-tools/eventstoredb-server')];
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from).filter((name) => !name.endsWith('.spec.ts'))) {
    const { code } = transformFileSync(join(from, file), { swcrc: true });
    writeFileSync(join(to, file.replace(/ts$/, 'js')), code);
  }
  const { EventStoreDbServer } = await import(pathToFileURL(join(to, 'server.js')).href);
  return (await EventStoreDbServer.start()).url;
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

const [command = 'true', ...args] = process.argv.slice(2);
const urls = { EVENTSTORE_URL: await startEventStoreDb(), MONGODB_URL: await startFerretDb(), KEYS_MONGODB_URL: '' };
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...urls } });
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
const [code] = await once(child, 'close');
process.exit(code ?? 1);
