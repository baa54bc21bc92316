import type { Bench } from './bench.js';
import type { Progress } from './child.js';
import { AUDIT_READS } from './operations.js';
import { type Costed, costed, warmUpOne } from './side-by-side.js';
import { startServer } from './server.js';

export interface AuditReadAt {
  readonly operation: (typeof AUDIT_READS)[number];
  /** Events of the customer that is read. */
  readonly events: number;
  readonly connections: number;
  readonly measured: Costed;
}

const CONNECTIONS = [1, 16] as const;
const SHORTEST = 2;

const prefixOf = (events: number): string => `a${events}-`;

/** What reading the past costs when it is longer. Each read is an append too: of its own audit event. */
export async function auditReads(bench: Bench, onProgress: Progress): Promise<readonly AuditReadAt[]> {
  const { histories } = bench.options;
  const seconds = Math.max(SHORTEST, bench.options.seconds);
  const dataDir = bench.newFolder('audit');
  onProgress(0, 'seeding');
  const plans = histories.map(({ events, customers }) => ({
    prefix: prefixOf(events),
    from: 0,
    to: customers,
    eventsEach: events,
  }));
  await bench.onStores({ kind: 'seed', dataDir, plans });
  const service = await startServer('service', { dataDir });
  const reads: AuditReadAt[] = [];
  const cells = histories.flatMap(({ events, customers }) =>
    AUDIT_READS.flatMap((operation) =>
      CONNECTIONS.map((connections) => ({ events, customers, operation, connections })),
    ),
  );
  for (const { events, customers, operation, connections } of cells) {
    onProgress(0.2 + (0.8 * reads.length) / cells.length, `${operation}, ${events} events`);
    const population = { prefix: prefixOf(events), count: customers };
    if (reads.length === 0) await warmUpOne(bench, service, operation, population);
    const measured = await costed(bench, service, { operation, population, connections }, seconds);
    reads.push({ operation, events, connections, measured });
  }
  await service.stop();
  return reads;
}
