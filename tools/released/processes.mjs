// The built service and its command line as processes, with a clock of their own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../build.mjs';

const START_MS = 30_000;
/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
const CLOCK = pathToFileURL(join(root, 'test/support/shifted-clock.mjs')).href;

/**
 * @typedef {object} Place where a process works, and with what
 * @property {string} dataDir
 * @property {Readonly<Record<string, string>>} settings
 * @property {number} shiftMs how far its clock is ahead of the machine's
 */

/** Nothing is inherited: no setting of the caller reaches the service. @type {(place: Place) => Record<string, string>} */
const environment = ({ dataDir, settings, shiftMs }) => ({
  PATH: process.env.PATH ?? '',
  PORT: '0',
  DATA_DIR: dataDir,
  LOG_LEVEL: 'error',
  CLOCK_SHIFT_MS: String(shiftMs),
  ...settings,
});

export class Service {
  /**
   * @private
   * @param {import('node:child_process').ChildProcess} child
   * @param {string} url
   */
  constructor(child, url) {
    this.child = child;
    /** Without a slash at its end. */
    this.url = url;
    this.ended = once(child, 'close');
  }

  /**
   * Resolves once it serves.
   * @param {Place} place
   * @param {readonly string[]} [preloads] files to import before it
   */
  static async start(place, preloads = []) {
    const imports = [CLOCK, ...preloads.map((file) => pathToFileURL(file).href)].flatMap((file) => ['--import', file]);
    const child = spawn(process.execPath, [...imports, join(root, 'dist/main.js')], {
      cwd: place.dataDir,
      env: environment(place),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child.on('close', () => running.delete(child)));
    const url = await printed(child, /^ *address +(http:\/\/\S+)$/m);
    return new Service(child, url);
  }

  /** Resolves once it prints this from now on. @param {RegExp} pattern */
  prints(pattern) {
    return printed(this.child, pattern);
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    this.child.kill(signal);
  }

  /** Resolves when it was killed. @throws Error it ended in another way */
  async killed() {
    const [code, signal] = await this.ended;
    if (signal !== 'SIGKILL') throw new Error(`The service ended with ${code ?? signal}`);
  }

  /** @throws Error it ended with another code than 0 */
  async stop() {
    this.kill('SIGTERM');
    const [code, signal] = await this.ended;
    if (code !== 0) throw new Error(`The service ended with ${code ?? signal}`);
  }
}

/** Ends what a run that failed has left running. */
export const endServices = () => {
  for (const child of running) child.kill('SIGKILL');
};

/**
 * @type {(child: import('node:child_process').ChildProcess, pattern: RegExp) => Promise<string>} the first group of the match
 * @throws Error the process ends, or the time does, before that
 */
const printed = (child, pattern) =>
  new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`${START_MS} ms went by without ${pattern}:\n${text}`)), START_MS);
    const end = (/** @type {number | null} */ code) => reject(new Error(`Ended (${code}) before ${pattern}:\n${text}`));
    const read = (/** @type {Buffer} */ bytes) => {
      text += bytes.toString();
      const match = pattern.exec(text);
      if (match === null) return;
      clearTimeout(timer);
      child.off('close', end);
      resolve(match[1] ?? match[0]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('close', end);
  });

/**
 * Runs a command of the service's command line.
 * @param {Place} place
 * @param {readonly string[]} args
 * @returns {Promise<string>} what it printed
 * @throws Error it ended with another code than 0
 */
export const admin = async (place, ...args) => {
  const child = spawn(process.execPath, ['--import', CLOCK, join(root, 'dist/admin/main.js'), ...args], {
    cwd: place.dataDir,
    env: environment(place),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (bytes) => (text += bytes));
  child.stderr.on('data', (bytes) => (text += bytes));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`admin ${args.join(' ')} ended with ${code}:\n${text}`);
  return text;
};
