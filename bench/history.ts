import type { Bench } from './bench.js';
import type { Progress } from './child.js';
import type { Replay } from './scale.js';
import { CONNECTIONS, type Costed, costed, warmUpOne } from './side-by-side.js';
import { startServer } from './server.js';

export interface UpdateAt {
  /** Events of the customer before the updates. */
  readonly events: number;
  readonly connections: number;
  readonly measured: Costed;
}

export interface Histories {
  readonly updates: readonly UpdateAt[];
  /** Of a log with few customers and long histories. */
  readonly rebuild: Replay;
  readonly catchUp: Replay;
}

/** In less time 64 updates after 1,000 events each may not even be answered once. */
const SHORTEST = 2;

const prefixOf = (events: number): string => `h${events}-`;

/** What an update costs when the history it reads is longer. */
export async function updatesByHistory(bench: Bench, onProgress: Progress): Promise<Histories> {
  const { histories } = bench.options;
  const seconds = Math.max(SHORTEST, bench.options.seconds);
  const dataDir = bench.newFolder('history');
  onProgress(0, 'seeding');
  await bench.onStores({
    kind: 'seed',
    dataDir,
    plans: histories.map(({ events, customers }) => ({
      prefix: prefixOf(events),
      from: 0,
      to: customers,
      eventsEach: events,
    })),
  });
  onProgress(0.3, 'rebuilding');
  const rebuild = await bench.onStores({ kind: 'rebuild', dataDir });
  const catchUp = await bench.onStores({ kind: 'catch-up', dataDir });
  const service = await startServer('service', { dataDir });
  const warm = { prefix: prefixOf(10), count: histories.find(({ events }) => events === 10)?.customers ?? 1 };
  await warmUpOne(bench, service, 'update', warm);
  const updates: UpdateAt[] = [];
  for (const { events, customers } of histories) {
    for (const connections of CONNECTIONS) {
      onProgress(0.4 + (0.6 * updates.length) / (histories.length * CONNECTIONS.length), `${events} events`);
      const population = { prefix: prefixOf(events), count: customers };
      const measured = await costed(bench, service, { operation: 'update', population, connections }, seconds);
      updates.push({ events, connections, measured });
    }
  }
  await service.stop();
  return { updates, rebuild, catchUp };
}
