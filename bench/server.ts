import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Scope } from '../src/access/scopes.js';
import { endWithUs } from './clean-up.js';
import type { Place } from './store-servers.js';

export const KEY = 'bench-key-worth-nothing';
/** May read events, but no personal values. */
export const REDACTED_KEY = 'bench-key-that-reads-redacted';
export const REDACTED_SCOPES: readonly Scope[] = ['customers:read', 'events:read'];

const ENTRIES = {
  service: fileURLToPath(new URL('../../dist/main.js', import.meta.url)),
  floor: fileURLToPath(new URL('floor.js', import.meta.url)),
} as const;

/** A server that used less than this between two looks waits for work; where it can't be told, patience is all. */
const IDLE = { everyMs: 100, seconds: 0.02, patienceMs: 2_000 };

export interface Server {
  readonly url: string;
  /** From launch to the first answer. */
  readonly startSeconds: number;
  /** Processor time used so far by all its threads, in seconds; NaN where the system does not tell. */
  cpuSeconds(): number;
  /** Resolves once it has nothing to do any more: it goes on with requests whose connection was closed. */
  idle(): Promise<void>;
  /** Resolves once it serves reads: it does not while its views are behind, after a store was too slow. Or patience ends. */
  serving(): Promise<void>;
  stop(): Promise<void>;
}

/** What is in the log is projected before the service answers. */
export const START_MS = 300_000;
const SERVING_MS = 20_000;

/** Ticks a second in which Linux tells of processor time: 100 on every platform it is built for. */
const TICKS = 100;

/**
 * Starts the service, or the floor, as a process of its own with default settings; resolves once it answers. Its log goes
 * to the null device: it is written as ever, but nobody has to read it on the same cores.
 * @throws Error when it ends instead
 */
export async function startServer(
  kind: keyof typeof ENTRIES,
  { dataDir, servers }: Place,
  nodeArgs: readonly string[] = [],
): Promise<Server> {
  const launched = performance.now();
  const port = await freePort();
  const child = endWithUs(
    spawn(process.execPath, [...nodeArgs, ENTRIES[kind]], {
      // Not the caller's folder and environment: neither a .env nor settings from there reach it.
      cwd: dataDir,
      env: { PATH: process.env['PATH'], PORT: String(port), DATA_DIR: dataDir, API_KEY_BOOTSTRAP: KEY, ...servers },
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  await answering(url, child, START_MS);
  const startSeconds = (performance.now() - launched) / 1000;
  const serving = (): Promise<void> => answering(url, child, SERVING_MS).catch(() => undefined);
  const cpuSeconds = (): number => cpuSecondsOf(child.pid);
  return { url, startSeconds, cpuSeconds, idle: () => idle(cpuSeconds), serving, stop: () => stop(child) };
}

/** The body as text. @throws Error unless the answer is 200 */
export async function ask(url: string, path: string, key = KEY): Promise<string> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${key}` } });
  if (answer.status !== 200) throw new Error(`GET ${path} was answered ${answer.status}`);
  return answer.text();
}

async function answering(url: string, child: ChildProcess, ms: number): Promise<void> {
  const giveUpAt = performance.now() + ms;
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('The server ended before it answered');
    const answer = await ask(url, '/customers?limit=1').catch(() => undefined);
    if (answer !== undefined) return;
    await delay(20);
  }
  throw new Error(`The server did not answer in ${ms / 1000} s`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function idle(cpuSeconds: () => number): Promise<void> {
  const giveUpAt = performance.now() + IDLE.patienceMs;
  for (let before = NaN, now = cpuSeconds(); performance.now() < giveUpAt; before = now, now = cpuSeconds()) {
    if (now - before <= IDLE.seconds) return;
    await delay(IDLE.everyMs);
  }
}

/** proc(5): the 14th and 15th field; the second is a name in brackets, which may hold blanks. */
function cpuSecondsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return NaN;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port is free');
  return address.port;
}
