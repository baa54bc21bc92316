// node --import crash-preload.mjs dist/main.js
//
// The real service, which ends itself by SIGKILL at one exact step: right before or after the n-th call of a port's
// method, counted from the moment a SIGUSR2 arms it. After: of those that succeeded, for a refused append is tried again.
// The file that CRASH_AT names is read then; `since` is another step from whose end on is counted:
//   {"step":"subjectKeys.destroy","call":1,"when":"after","since":{"step":"eventStore.append","call":2}}
import { readFileSync } from 'node:fs';
import { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * @typedef {{ step: string, call: number }} Moment
 * @typedef {Moment & { when: 'before' | 'after', since?: Moment }} CrashAt
 */

/** @type {CrashAt} */
let crashAt = { step: 'none', call: 0, when: 'before' };
/** @type {Map<string, number>} */
const passed = new Map();
let armed = false;
let counting = true;

const die = () => {
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment; nothing of the service must run in it.
  for (;;);
};

/** @type {(step: string, when: 'before' | 'after') => void} */
const pass = (step, when) => {
  if (!armed) return;
  const call = (passed.get(`${when} ${step}`) ?? 0) + 1;
  passed.set(`${when} ${step}`, call);
  const { since } = crashAt;
  if (counting && step === crashAt.step && call === crashAt.call && when === crashAt.when) die();
  if (!counting && step === since?.step && call === since.call && when === 'after') {
    counting = true;
    passed.clear();
  }
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
    pass(step, 'before');
    const result = await original.apply(this, args);
    pass(step, 'after');
    return result;
  };
};

await watch('stores/sqlite/sqlite-event-store.js', 'SqliteEventStore', 'append', () => 'eventStore.append');
await watch('stores/sqlite/sqlite-customer-views.js', 'SqliteCustomerViews', 'save', () => 'customerViews.save');
await watch('stores/sqlite/sqlite-subject-keys.js', 'SqliteSubjectKeys', 'create', () => 'subjectKeys.create');
await watch('stores/sqlite/sqlite-subject-keys.js', 'SqliteSubjectKeys', 'destroy', () => 'subjectKeys.destroy');
await watch('stores/sqlite/sqlite-receipts.js', 'SqliteReceipts', 'note', () => 'receipts.note');
await watch('stores/sqlite/sqlite-receipts.js', 'SqliteReceipts', 'issue', () => 'receipts.issue');
await watch('stores/sqlite/sqlite-checkpoints.js', 'SqliteCheckpoints', 'save', ([name]) => `checkpoint.${name}`);

const { end } = ServerResponse.prototype;
/** @this {ServerResponse} @param {any[]} args */
ServerResponse.prototype.end = function (...args) {
  pass('answer', 'before');
  // Handed to the operating system, which delivers it also when the process is gone.
  this.once('finish', () => pass('answer', 'after'));
  return Reflect.apply(end, this, args);
};

// The grace period is looked at each minute: too long for a test.
const { setInterval: original } = globalThis;
/** @type {any} */
const hurried = (/** @type {() => void} */ work, /** @type {number} */ ms, /** @type {any[]} */ ...args) =>
  original(work, ms < 60_000 ? ms : 200, ...args);
globalThis.setInterval = hurried;

process.on('SIGUSR2', () => {
  crashAt = JSON.parse(readFileSync(process.env.CRASH_AT ?? '', 'utf8'));
  counting = crashAt.since === undefined;
  armed = true;
  console.error('armed');
});
