import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join, resolve as absolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readConfig } from '../../src/config.js';
import { seed } from '../support/seed.js';
import {
  cleanUp,
  endProcesses,
  type ServiceProcess,
  startService,
  temporaryFolder,
} from '../support/service-process.js';
import { type Attempt, Ledger } from './crash-ledger.js';
import type { Operation } from './crash-model.js';
import { Random } from './crash-random.js';
import { resolve, Verification } from './crash-verification.js';

interface Step {
  readonly step: string;
  readonly call: number;
  readonly since?: { readonly step: string; readonly call: number };
}

const keyCreated: Step = { step: 'subjectKeys.create', call: 1 };
const appended = (call = 1): Step => ({ step: 'eventStore.append', call });
const viewWritten = (since: number): Step => ({ step: 'customerViews.save', call: 1, since: appended(since) });
const answered: Step = { step: 'answer', call: 1 };
const keyDestroyed: Step = { step: 'subjectKeys.destroy', call: 1 };
const checkpointSaved: Step = { step: 'checkpoint.erasures', call: 1, since: keyDestroyed };

interface Scenario {
  /** Makes what the operation needs; by requests that nothing interrupts. */
  readonly prepare: (making: Making) => Promise<{ customerId?: string; operation: Operation }>;
  /** The process is killed right before the first of these, and right after each. */
  readonly steps: readonly Step[];
  /** The service finishes it by itself: nobody asks again. */
  readonly unasked?: true;
}

interface Making {
  readonly random: Random;
  readonly done: (operation: Operation, customerId?: string) => Promise<string>;
}

const email = (random: Random): string => `${random.uuid()}@example.com`;

const scenarios: Readonly<Record<string, Scenario>> = {
  'a creation': {
    prepare: async ({ random }) => ({ operation: { kind: 'create', changes: { email: email(random) } } }),
    steps: [keyCreated, appended(), viewWritten(1), answered],
  },
  'a creation with a default source': {
    prepare: async ({ random }) => ({
      operation: {
        kind: 'create',
        id: random.uuid(),
        changes: { email: email(random), defaultSourceId: random.uuid() },
      },
    }),
    steps: [appended(1), keyCreated, appended(2), viewWritten(2), answered],
  },
  'a creation in a second life': {
    prepare: async ({ random, done }) => {
      const id = random.uuid();
      await done({ kind: 'create', id, changes: { email: email(random) } }, id);
      await done({ kind: 'delete' }, id);
      return { customerId: id, operation: { kind: 'create', id, changes: { email: email(random) } } };
    },
    steps: [keyCreated, appended(1), viewWritten(1), answered],
  },
  'an update with the first personal value': {
    prepare: async ({ random, done }) => ({
      customerId: await done({ kind: 'create', changes: {} }),
      operation: { kind: 'update', changes: { email: email(random), enabled: false } },
    }),
    steps: [keyCreated, appended(), viewWritten(1), answered],
  },
  'the attaching of a source': {
    prepare: async ({ random, done }) => ({
      customerId: await done({ kind: 'create', changes: { email: email(random) } }),
      operation: { kind: 'attach', sourceId: random.uuid() },
    }),
    steps: [appended(1), appended(2), viewWritten(2), answered],
  },
  'the attaching of a source, which nobody asks for again': {
    prepare: async ({ random, done }) => ({
      customerId: await done({ kind: 'create', changes: { email: email(random) } }),
      operation: { kind: 'attach', sourceId: random.uuid() },
    }),
    steps: [appended(1)],
    unasked: true,
  },
  'the detaching of a source': {
    prepare: async ({ random, done }) => {
      const sourceId = random.uuid();
      const customerId = await done({ kind: 'create', changes: { email: email(random), defaultSourceId: sourceId } });
      return { customerId, operation: { kind: 'detach', sourceId } };
    },
    // The second append tells the source's own stream.
    steps: [appended(1), viewWritten(1), answered, appended(2)],
  },
  'a deletion': {
    prepare: async ({ random, done }) => ({
      customerId: await done({ kind: 'create', changes: { email: email(random), defaultSourceId: random.uuid() } }),
      operation: { kind: 'delete' },
    }),
    steps: [appended(1), viewWritten(1), answered, keyDestroyed, checkpointSaved, appended(2)],
  },
  'a request to be forgotten, and its erasure': {
    prepare: async ({ random, done }) => ({
      customerId: await done({ kind: 'create', changes: { email: email(random) } }),
      operation: { kind: 'update', changes: { email: email(random), requestToBeForgotten: true } },
    }),
    steps: [appended(1), viewWritten(1), answered, appended(2), viewWritten(2), keyDestroyed, checkpointSaved],
  },
};

const STEP_MS = 60_000;
const preload = pathToFileURL(absolute('test/faults/crash-preload.mjs')).href;
const env = { FORGET_GRACE_DAYS: '0', LOG_LEVEL: 'warn' };
const random = new Random(seed(), 'steps');
const ledger = new Ledger();
/** One data folder lives through all kills, and what starts after one is what the next one kills. */
let dataDir = '';
let crashAt = '';
let service: ServiceProcess | undefined;
let verification: Verification;

beforeAll(async () => {
  dataDir = await temporaryFolder();
  crashAt = join(await temporaryFolder(), 'crash-at.json');
  verification = new Verification(ledger, readConfig({ DATA_DIR: dataDir }));
});
afterAll(cleanUp);

const start = async (): Promise<ServiceProcess> =>
  startService({ dataDir, env: { ...env, CRASH_AT: crashAt }, nodeArgs: ['--import', preload] });

for (const [name, scenario] of Object.entries(scenarios)) {
  describe(`${name}, killed`, () => {
    const [first] = scenario.steps;
    if (first !== undefined && scenario.unasked !== true) {
      it(`before ${textOf(first)}`, () => kill({ ...first, when: 'before' }, scenario), STEP_MS);
    }
    for (const step of scenario.steps) {
      it(`after ${textOf(step)}`, () => kill({ ...step, when: 'after' }, scenario), STEP_MS);
    }
  });
}

it(
  'leaves no claim on a source open',
  async () => {
    await verification.sourcesSettled();
    await verification.afterAll();
    expect(ledger.faults).toEqual([]);
  },
  STEP_MS,
);

async function kill(at: Step & { when: 'before' | 'after' }, { prepare, unasked }: Scenario): Promise<void> {
  const before = ledger.attempts.length;
  if (service === undefined) await endProcesses();
  const crashing = service ?? (await start());
  await writeFile(crashAt, JSON.stringify(at));
  // Should this one fail, the next begins with a process of its own.
  service = undefined;
  const making = { random, done: async (...wanted: Wanted) => made(await attempt(crashing, wanted)) };
  const { operation, customerId } = await prepare(making);
  crashing.kill('SIGUSR2');
  await crashing.printed(/^armed$/m);
  const killed = await attempt(crashing, [operation, customerId], true);
  // It ends by itself; when the step is never reached it is asked to, and its exit tells.
  const never = setTimeout(() => crashing.kill('SIGTERM'), STEP_MS / 3);
  expect(await crashing.exited.finally(() => clearTimeout(never))).toEqual({ code: null, signal: 'SIGKILL' });
  const startedAt = Date.now();
  const restarted = await start();
  await verification.afterStart(startedAt);
  if (unasked === true) {
    await verification.sourcesSettled();
    ledger.settle(killed);
  }
  if (killed.outcome === 'unknown') await resolve(restarted, ledger, verification, killed);
  await verification.afterSettling(restarted, ledger.attempts.slice(before), ledger.touched);
  ledger.touched.clear();
  expect(ledger.faults.splice(0)).toEqual([]);
  service = restarted;
}

type Wanted = [operation: Operation, customerId?: string | undefined];

async function attempt(target: ServiceProcess, [operation, customerId]: Wanted, repeatable = false): Promise<Attempt> {
  const name = `step.${ledger.attempts.length}`;
  const key = repeatable && operation.kind !== 'delete' && operation.kind !== 'detach' ? name : undefined;
  const id = operation.kind === 'create' ? operation.id : customerId;
  const noted = ledger.begin({ name, operation, customerId: id, key, contested: false, shared: false });
  await ledger.attempt(target, noted);
  return noted;
}

function made({ customerId, outcome }: Attempt): string {
  if (customerId === undefined || outcome !== 'done') throw new Error('What the operation needs could not be made');
  return customerId;
}

function textOf({ step, call, since }: Step): string {
  return `${step} ${call}${since === undefined ? '' : ` since ${since.step} ${since.call}`}`;
}
