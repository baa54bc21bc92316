import type { Bench } from './bench.js';
import type { Progress } from './child.js';
import type { Measured } from './load.js';
import { median } from './machine.js';
import { type Operation, OPERATIONS } from './operations.js';
import { idOf, type Population } from './population.js';
import { ask, type Server, startServer } from './server.js';
import type { Place } from './store-servers.js';

/** `cpu`: microseconds of processor time of the whole server process for one request; NaN where it can't be told. */
export type Costed = Measured & { readonly cpu: number };

export interface Comparison {
  readonly operation: Operation;
  readonly connections: number;
  readonly floor: Costed;
  readonly service: Costed;
  /** Requests per second of the service over those of the floor: the median over the rounds, and the extremes. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  readonly aim?: number;
}

export interface Pair {
  readonly floor: Server;
  readonly service: Server;
}

export const CONNECTIONS = [1, 64] as const;
const AIMS: Partial<Record<Operation, number>> = { create: 0.35, get: 0.7, update: 0.35, 'list-10': 0.5 };
const AIM_CONNECTIONS = 64;
/** So many requests of a kind until the compiler has seen enough. */
const WARM_UP_REQUESTS = 3_000;

/** Each operation at each number of connections, floor and service taking turns. */
export async function sideBySide(bench: Bench, place: Place, onProgress: Progress): Promise<readonly Comparison[]> {
  const { options } = bench;
  const population = { prefix: 's', count: options.onServers ? options.stores.customers : options.customers };
  const operations = OPERATIONS.filter((operation) => bench.options.parts.has(operation));
  onProgress(0, 'seeding');
  await bench.onStores({
    ...place,
    kind: 'seed',
    plans: [{ ...population, from: 0, to: population.count, eventsEach: 1 }],
  });
  onProgress(0, 'starting');
  const pair = await startPair(bench, place);
  await sameSize(pair, population);
  await warmUp(bench, pair, operations, population);
  const comparisons: Comparison[] = [];
  for (const operation of operations) {
    for (const connections of CONNECTIONS) {
      onProgress(
        comparisons.length / (operations.length * CONNECTIONS.length),
        `${operation}, ${connections} connections`,
      );
      comparisons.push(await compare(bench, pair, { operation, connections, population }, bench.options));
    }
  }
  await stopPair(pair);
  return comparisons;
}

export async function startPair(bench: Bench, place: Place): Promise<Pair> {
  return { service: await startServer('service', place), floor: await startServer('floor', { dataDir: bench.folder }) };
}

export async function stopPair({ service, floor }: Pair): Promise<void> {
  await Promise.all([service.stop(), floor.stop()]);
}

export interface Cell {
  readonly operation: Operation;
  readonly connections: number;
  readonly population: Population;
}

/** Who goes first changes with each round, so that neither always follows the other. */
export async function compare(
  bench: Bench,
  pair: Pair,
  { operation, connections, population }: Cell,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Comparison> {
  const seen = { floor: new Array<Costed>(), service: new Array<Costed>() };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? (['floor', 'service'] as const) : (['service', 'floor'] as const)) {
      seen[kind].push(await costed(bench, pair[kind], { operation, connections, population }, seconds));
    }
  }
  const ratios = seen.service.map((one, i) => one.requestsPerSecond / (seen.floor[i]?.requestsPerSecond ?? NaN));
  const aim = connections === AIM_CONNECTIONS && !bench.options.onServers ? AIMS[operation] : undefined;
  return {
    operation,
    connections,
    floor: middleOf(seen.floor),
    service: middleOf(seen.service),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
    ...(aim !== undefined && { aim }),
  };
}

export async function costed(bench: Bench, server: Server, cell: Cell, seconds: number): Promise<Costed> {
  await server.serving();
  const before = server.cpuSeconds();
  const measured = await bench.load({ url: server.url, ...cell, seconds, mayBeUnavailable: bench.options.onServers });
  const cpu = (1e6 * (server.cpuSeconds() - before)) / measured.requests;
  await server.idle();
  return { ...measured, cpu };
}

const middleOf = (all: readonly Costed[]): Costed => ({
  requests: all.reduce((sum, { requests }) => sum + requests, 0),
  unavailable: all.reduce((sum, { unavailable }) => sum + unavailable, 0),
  cpu: median(all.map(({ cpu }) => cpu)),
  requestsPerSecond: median(all.map(({ requestsPerSecond }) => requestsPerSecond)),
  p50: median(all.map(({ p50 }) => p50)),
  p99: median(all.map(({ p99 }) => p99)),
});

export async function warmUp(
  bench: Bench,
  pair: Pair,
  operations: readonly Operation[],
  population: Population,
): Promise<void> {
  for (const operation of operations) {
    for (const server of [pair.floor, pair.service]) await warmUpOne(bench, server, operation, population);
  }
}

export async function warmUpOne(
  bench: Bench,
  server: Server,
  operation: Operation,
  population: Population,
): Promise<void> {
  const { warmUpSeconds } = bench.options;
  const step = Math.min(1, warmUpSeconds);
  let requests = 0;
  for (let seconds = 0; seconds < warmUpSeconds && requests < WARM_UP_REQUESTS; seconds += step) {
    const cell = { operation, population, connections: AIM_CONNECTIONS };
    requests += (await costed(bench, server, cell, step)).requests;
  }
}

/** @throws Error when the floor's constant is not as long as what the service answers: the ratio would tell nothing */
async function sameSize({ floor, service }: Pair, population: Population): Promise<void> {
  for (const path of [`/customers/${idOf(population, 1)}`, '/customers?limit=100']) {
    const [a, b] = [(await ask(floor.url, path)).length, (await ask(service.url, path)).length];
    if (Math.abs(a - b) / b > 0.05)
      throw new Error(`The floor answers ${path} with ${a} characters, the service with ${b}`);
  }
}
