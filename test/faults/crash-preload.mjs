// node --import crash-preload.mjs dist/main.js
//
// The real service, which ends itself by SIGKILL at one exact step: right before or after the n-th call of a port's
// method, counted from the moment a SIGUSR2 arms it. CRASH_AT is JSON, `after` another step from whose end on is counted:
//   {"step":"subjectKeys.destroy","call":1,"when":"after","since":{"step":"eventStore.append","call":2}}
import { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * @typedef {{ step: string, call: number }} Moment
 * @typedef {Moment & { when: 'before' | 'after', since?: Moment }} CrashAt
 */

/** @type {CrashAt} */
const crashAt = JSON.parse(process.env.CRASH_AT ?? '{"step":"none","call":0,"when":"before"}');
/** @type {Map<string, number>} */
const calls = new Map();
let armed = false;
let counting = crashAt.since === undefined;

const die = () => {
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment; nothing of the service must run in it.
  for (;;);
};

/** @type {(step: string, when: 'before' | 'after', call: number) => void} */
const passing = (step, when, call) => {
  const { since } = crashAt;
  if (counting && step === crashAt.step && call === crashAt.call && when === crashAt.when) die();
  if (since?.step === step && since.call === call && when === 'after' && !counting) {
    counting = true;
    calls.clear();
  }
};

/** @type {(step: string) => number} */
const count = (step) => {
  if (!armed) return 0;
  const call = (calls.get(step) ?? 0) + 1;
  calls.set(step, call);
  return call;
};

/**
 * @param {string} file of the adapter, in dist
 * @param {string} name of its class
 * @param {string} method
 * @param {(args: any[]) => string} stepOf
 */
const watch = async (file, name, method, stepOf) => {
  const { [name]: adapter } = await import(pathToFileURL(join(dirname(process.argv[1] ?? ''), file)).href);
  const original = adapter.prototype[method];
  /** @this {unknown} @param {any[]} args */
  adapter.prototype[method] = async function (...args) {
    const step = stepOf(args);
    const call = count(step);
    passing(step, 'before', call);
    const result = await original.apply(this, args);
    passing(step, 'after', call);
    return result;
  };
};

await watch('stores/sqlite/sqlite-event-store.js', 'SqliteEventStore', 'append', () => 'eventStore.append');
await watch('stores/sqlite/sqlite-customer-views.js', 'SqliteCustomerViews', 'save', () => 'customerViews.save');
await watch('stores/sqlite/sqlite-subject-keys.js', 'SqliteSubjectKeys', 'create', () => 'subjectKeys.create');
await watch('stores/sqlite/sqlite-subject-keys.js', 'SqliteSubjectKeys', 'destroy', () => 'subjectKeys.destroy');
await watch('stores/sqlite/sqlite-checkpoints.js', 'SqliteCheckpoints', 'save', ([name]) => `checkpoint.${name}`);

const { end } = ServerResponse.prototype;
/** @this {ServerResponse} @param {any[]} args */
ServerResponse.prototype.end = function (...args) {
  const call = count('answer');
  passing('answer', 'before', call);
  // Handed to the operating system, which delivers it also when the process is gone.
  this.once('finish', () => passing('answer', 'after', call));
  return Reflect.apply(end, this, args);
};

// The grace period is looked at each minute: too long for a test.
const { setInterval: original } = globalThis;
/** @type {any} */
const hurried = (/** @type {() => void} */ work, /** @type {number} */ ms, /** @type {any[]} */ ...args) =>
  original(work, ms < 60_000 ? ms : 200, ...args);
globalThis.setInterval = hurried;

process.on('SIGUSR2', () => {
  armed = true;
  console.error('armed');
});
