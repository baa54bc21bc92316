import type { Feed } from './feed.js';
import { table, whole } from './report.js';
import type { Streams } from './streams.js';

/** A rate within this share of what was asked for is that rate. */
const NEAR = 0.98;

export function feedText({ events, comparisons, log }: Feed): string {
  return [
    `A log of ${whole(events)} events, read whole by each reader, a thousand to a page. Floor: the first of these pages again and`,
    'again. Events/s: of all readers together; cpu: µs of the server process for an event; personal: whether values are opened.',
    '',
    table(
      ['', 'readers', 'floor/s', 'MB/s', 'cpu', 'service/s', 'MB/s', 'cpu', 'ratio', '(lowest-highest)'],
      comparisons.map(({ readers, personal, floor, service, ratio, lowest, highest }) => [
        personal ? 'personal' : 'redacted',
        String(readers),
        ...[floor, service].flatMap(({ eventsPerSecond, megabytesPerSecond, cpu }) => [
          whole(eventsPerSecond),
          whole(megabytesPerSecond),
          cpu.toFixed(1),
        ]),
        ratio.toFixed(2),
        `(${lowest.toFixed(2)}-${highest.toFixed(2)})`,
      ]),
    ),
    '',
    `The log alone, through a subscription in process: ${whole(log.events / log.seconds)} events/s`,
  ].join('\n');
}

export function streamsText({ connections, wanted, looks, each, appended }: Streams): string {
  const { events, rate, wantedRate, delivered, p50, p99 } = appended;
  return [
    'Memory of the process in MB: resident and heap after a full collection of garbage, most: resident since the line before;',
    'subscriptions: of the log, by all of the service. Bare: node:http holding as many responses open and doing nothing.',
    '',
    table(
      ['', 'resident', 'heap', 'most', 'subscriptions'],
      looks.map(({ name, resident, heap, most, subscriptions }) => [
        name,
        ...[resident, heap, most].map((mb) => mb.toFixed(1)),
        String(subscriptions),
      ]),
    ),
    '',
    table(
      [`KB for each of ${whole(connections)} connections`, 'resident', 'heap'],
      [
        ['just caught up', each.caughtUp] as const,
        ['after the appends', each.settled] as const,
        ['bare server', each.bare] as const,
      ].map(([name, { resident, heap }]) => [name, resident.toFixed(1), heap.toFixed(1)]),
    ),
    '',
    `${whole(events)} events appended at ${rate.toFixed(1)}/s: each connection got each of them once (${whole(delivered)} in all); with the`,
    `last of them p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms after the append was sent`,
    ...(rate < NEAR * wantedRate ? [`WARNING: ${wantedRate} appends a second were wanted`] : []),
    ...(connections < wanted
      ? [`WARNING: ${whole(wanted)} were wanted: raise the limit of open files (ulimit -n)`]
      : []),
  ].join('\n');
}
