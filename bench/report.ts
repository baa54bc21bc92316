import type { Evidence } from './audit-verify.js';
import type { AuditReadAt } from './audit.js';
import type { Histories } from './history.js';
import type { Machine } from './machine.js';
import type { AtSize, Replay } from './scale.js';
import type { Comparison, Costed } from './side-by-side.js';

/** Events per second. */
export const REBUILD_AIM = 20_000;

export function machineText({ cores, cpu, node, system, syncMs, inMemory }: Machine, load: string): string {
  return [
    `${cores} cores (${cpu}), nothing pinned: server, load generator and system share them; load average ${load}`,
    `Node ${node}, ${system}; making 4 KB durable takes ${syncMs.toFixed(2)} ms`,
    'conn: connections, each asks again when it is answered; p50, p99: ms; cpu: µs of the server process for a request;',
    'ratio: requests/s of the service over those of the floor, median of the rounds; by cpu: the same from cpu, which other',
    'work on the machine disturbs less but which leaves out waiting for the disk',
    ...(inMemory ? ['WARNING: the folder lies in memory, so durable writes cost nothing here (see --dir)'] : []),
  ].join('\n');
}

export function comparisonText(comparisons: readonly Comparison[]): string {
  return table(
    [
      '',
      'conn',
      'floor/s',
      'p50',
      'p99',
      'cpu',
      'service/s',
      'p50',
      'p99',
      'cpu',
      'ratio',
      '(lowest-highest)',
      'by cpu',
      'aim',
    ],
    comparisons.map(({ operation, connections, floor, service, ratio, lowest, highest, aim }) => [
      operation,
      String(connections),
      ...[floor, service].flatMap(figures),
      ratio.toFixed(2),
      `(${lowest.toFixed(2)}-${highest.toFixed(2)})`,
      (floor.cpu / service.cpu).toFixed(2),
      aim === undefined ? '' : `${aim.toFixed(2)} ${reached(ratio >= aim)}`,
    ]),
  );
}

/** Where a server was too slow for the service, lines that say so. */
export const unavailableText = (comparisons: readonly Comparison[]): readonly string[] =>
  comparisons
    .filter(({ service }) => service.unavailable > 0)
    .map(({ operation, connections, service: { unavailable, requests } }) => {
      const all = whole(unavailable + requests);
      return `WARNING: ${operation} at ${connections}: ${whole(unavailable)} of ${all} were answered 503 (a store was too slow)`;
    });

export function scaleText(sizes: readonly AtSize[]): string {
  const reads = sizes.flatMap(({ customers, reads: all }) =>
    all.map(({ operation, connections, service, floor, ratio }) => ({
      customers,
      operation,
      connections,
      service,
      floor,
      ratio,
    })),
  );
  const rows = [...reads].sort(
    (a, b) => order(a.operation, reads) - order(b.operation, reads) || a.connections - b.connections,
  );
  const cost = table(
    ['', 'conn', 'customers', 'service/s', 'p50', 'p99', 'cpu', 'floor/s', 'ratio', 'by cpu'],
    rows.map(({ operation, connections, customers, service, floor, ratio }) => [
      operation,
      String(connections),
      whole(customers),
      ...figures(service),
      whole(floor.requestsPerSecond),
      ratio.toFixed(2),
      (floor.cpu / service.cpu).toFixed(2),
    ]),
  );
  return `${cost}\n\n${plansText(sizes)}`;
}

function plansText(sizes: readonly AtSize[]): string {
  return [
    'Entries examined for a page of 10 (aim: at most 11), as the plan bounds them:',
    table(
      ['', 'customers', 'examined', 'aim', 'plan'],
      sizes.flatMap(({ customers, plans }) =>
        plans.map(({ name, examined, limit, plan }) => [
          name,
          whole(customers),
          examined === undefined ? 'unbounded' : String(examined),
          reached(examined !== undefined && examined <= limit + 1),
          plan,
        ]),
      ),
    ),
  ].join('\n');
}

const figures = ({ requestsPerSecond, p50, p99, cpu }: Costed): string[] => [
  whole(requestsPerSecond),
  ms(p50),
  ms(p99),
  whole(cpu),
];

const order = (operation: string, all: readonly { readonly operation: string }[]): number =>
  all.findIndex((one) => one.operation === operation);

export function replayText(sizes: readonly AtSize[], histories: Histories | undefined): string {
  const rows: readonly (readonly [string, string, Replay])[] = [
    ...sizes.flatMap(({ customers, rebuild, catchUp }) => [
      ['rebuild', `${whole(customers)} customers`, rebuild] as const,
      ['subscription', `${whole(customers)} customers`, catchUp] as const,
    ]),
    ...(histories === undefined
      ? []
      : [
          ['rebuild', 'long histories', histories.rebuild] as const,
          ['subscription', 'long histories', histories.catchUp] as const,
        ]),
  ];
  return table(
    ['', 'log of', 'events', 'seconds', 'events/s', 'aim', 'MB at start', '1st half', '2nd half'],
    rows.map(([name, log, { events, seconds, memory }]) => [
      name,
      log,
      whole(events),
      seconds.toFixed(2),
      whole(events / seconds),
      name === 'rebuild' ? `${whole(REBUILD_AIM)} ${reached(events / seconds >= REBUILD_AIM)}` : '',
      whole(memory.start),
      whole(memory.firstHalf),
      whole(memory.secondHalf),
    ]),
  );
}

export function historyText({ updates }: Histories): string {
  return table(
    ['update after', 'conn', 'service/s', 'p50', 'p99', 'cpu'],
    updates.map(({ events, connections, measured }) => [
      `${whole(events)} events`,
      String(connections),
      ...figures(measured),
    ]),
  );
}

export function auditText(reads: readonly AuditReadAt[]): string {
  return table(
    ['audit read', 'history', 'conn', 'service/s', 'p50', 'p99', 'cpu'],
    reads.map(({ operation, events, connections, measured }) => [
      operation,
      `${whole(events)} events`,
      String(connections),
      ...figures(measured),
    ]),
  );
}

export function evidenceText({ grow, verify, export: exported, offlineSeconds }: Evidence): string {
  const row = (what: string, { events, seconds, memory }: Evidence['verify']): string[] => [
    what,
    whole(events),
    whole(events / seconds),
    `${whole(memory.start)} MB`,
    `${whole(memory.firstHalf)} MB`,
    `${whole(memory.secondHalf)} MB`,
  ];
  return table(
    ['', 'events', 'events/s', 'memory at start', 'most in 1st half', 'in 2nd half'],
    [
      row('leaves into the tree', grow),
      row('audit verify', verify),
      row('audit export', exported),
      ['verify-export.mjs', whole(exported.events), whole(exported.events / offlineSeconds), '-', '-', '-'],
    ],
  );
}

export const reached = (yes: boolean): string => (yes ? 'reached' : 'missed');
export const whole = (value: number): string =>
  Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '-';
export const ms = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '-');

/** Texts to the left, figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const isFigure = head.map((_, column) => rows.every((row) => /^[\d.,-]*$/.test(row[column] ?? '')));
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        isFigure[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
}
