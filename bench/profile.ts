import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.js';
import { type Operation, OPERATIONS } from './operations.js';
import { table } from './report.js';
import { startServer } from './server.js';
import { warmUpOne } from './side-by-side.js';

/** As V8 writes it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Microseconds, by the same clock as `process.hrtime`. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 30;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where the service's time goes under each operation at 64 connections: functions by the time spent in themselves. */
export async function* profile(bench: Bench): AsyncGenerator<string> {
  const population = { prefix: 'p', count: bench.options.customers };
  const dataDir = bench.newFolder('profile');
  await bench.onStores({
    kind: 'seed',
    dataDir,
    plans: [{ ...population, from: 0, to: population.count, eventsEach: 1 }],
  });
  const asked = OPERATIONS.filter((operation) => bench.options.parts.has(operation));
  for (const operation of asked.length > 0 ? asked : OPERATIONS) yield profileOf(bench, dataDir, operation, population);
}

async function profileOf(
  bench: Bench,
  dataDir: string,
  operation: Operation,
  population: { readonly prefix: string; readonly count: number },
): Promise<string> {
  const folder = bench.newFolder(`profile-${operation}`);
  const service = await startServer('service', { dataDir }, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const load = {
    url: service.url,
    operation,
    population,
    connections: 64,
    seconds: Math.max(2, bench.options.seconds),
    mayBeUnavailable: false,
  };
  await warmUpOne(bench, service, operation, population);
  const from = microseconds();
  const { requestsPerSecond } = await bench.load(load);
  const to = microseconds();
  await service.stop();
  const [file] = readdirSync(folder);
  if (file === undefined) throw new Error('The service left no profile');
  // Written by V8 a moment ago.
  const taken = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
  return `${operation}: ${Math.round(requestsPerSecond)} requests/s while profiled\n${selfTimes(taken, from, to)}`;
}

const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);

function selfTimes({ nodes, samples, timeDeltas, startTime }: CpuProfile, from: number, to: number): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const spent = new Map<string, number>();
  let now = startTime;
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    now += delta;
    const name = names.get(id) ?? '?';
    if (now < from || now > to || name.startsWith('(idle)')) continue;
    total += delta;
    spent.set(name, (spent.get(name) ?? 0) + delta);
  }
  const most = [...spent].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return table(
    ['self', 'function'],
    most.map(([name, time]) => [((100 * time) / total).toFixed(1), name]),
  );
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const place = url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url;
  return `${functionName || '(anonymous)'} ${place}${place === '' ? '' : `:${lineNumber + 1}`}`;
}
