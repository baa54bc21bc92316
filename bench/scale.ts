import type { Bench } from './bench.js';
import { step } from './bench.js';
import type { Progress } from './child.js';
import type { ListPlan } from './list-plans.js';
import { READS } from './operations.js';
import { compare, type Comparison, CONNECTIONS, startPair, stopPair, warmUp } from './side-by-side.js';
import type { StoreResult } from './store-work.js';

export type Replay = Pick<StoreResult, 'events' | 'seconds' | 'memory'>;

export interface AtSize {
  readonly customers: number;
  readonly reads: readonly Comparison[];
  readonly plans: readonly ListPlan[];
  readonly rebuild: Replay;
  readonly catchUp: Replay;
  /** From the launch of the service to its first answer. */
  readonly startSeconds: number;
}

const PREFIX = 'n';

/** The same reads over more and more customers, and what it takes to make the views of so many anew. */
export async function scale(bench: Bench, onProgress: Progress): Promise<readonly AtSize[]> {
  const { sizes } = bench.options;
  const dataDir = bench.newFolder('scale');
  const done: AtSize[] = [];
  for (const [index, customers] of sizes.entries()) {
    const from = sizes[index - 1] ?? 0;
    const heard = step(onProgress, index, sizes.length);
    done.push(
      await atSize(bench, dataDir, from, customers, (fraction, note) =>
        heard(fraction, `${customers} customers: ${note}`),
      ),
    );
  }
  return done;
}

async function atSize(
  bench: Bench,
  dataDir: string,
  from: number,
  customers: number,
  onProgress: Progress,
): Promise<AtSize> {
  const third = (index: number): Progress => step(onProgress, index, 3);
  const plan = { prefix: PREFIX, from, to: customers, eventsEach: 1 };
  await bench.onStores({ kind: 'seed', dataDir, plans: [plan] }, third(0));
  const rebuild = await bench.onStores({ kind: 'rebuild', dataDir }, third(1));
  const catchUp = await bench.onStores({ kind: 'catch-up', dataDir });
  const { plans } = await bench.onStores({ kind: 'plans', dataDir });
  const pair = await startPair(bench, { dataDir });
  const { startSeconds } = pair.service;
  const population = { prefix: PREFIX, count: customers };
  await warmUp(bench, pair, READS, population);
  const reads: Comparison[] = [];
  for (const operation of READS) {
    for (const connections of CONNECTIONS) {
      third(2)(reads.length / (READS.length * CONNECTIONS.length), operation);
      const seconds = bench.options.scaleSeconds;
      reads.push(await compare(bench, pair, { operation, connections, population }, { rounds: 1, seconds }));
    }
  }
  await stopPair(pair);
  return { customers, reads, plans, rebuild, catchUp, startSeconds };
}
