import { type AppendToView, RATE } from './append-to-view.js';
import type { CatchUps } from './catch-up.js';
import { ms, table, whole } from './report.js';
import type { ServersFound } from './store-servers.js';

/** A rate within this share of what was asked for is that rate. */
const NEAR = 0.98;

export function serversText({ views, keys, lookAlike }: ServersFound, streamPrefix: string): string {
  return [
    `On servers: the log at EVENTSTORE_URL (streams ${streamPrefix}*), the views on ${views}, the keys on ${keys};`,
    'cpu is that of the service alone, and what a server on this machine uses is missing to it',
    ...(lookAlike
      ? ['WARNING: FerretDB is no MongoDB: the figures show that the bench runs, and not how fast anything is']
      : []),
  ].join('\n');
}

export function appendToViewText({ seconds, subscription, views }: AppendToView): string {
  const rows = [
    ['projector, until the view stands', views] as const,
    ['baseline: bare subscription', subscription] as const,
  ];
  const missed = rows.some(([, { rate }]) => rate < NEAR * RATE);
  return [
    `Events appended straight to the log, ${RATE} a second for ${seconds} s, to one customer after the other: nobody asks the`,
    'service, so nothing is written through, and the projector (ROLE=worker) alone brings the views up. lag: ms from the moment',
    'the append was sent until the views with it were confirmed by their database, or until the event was handed to a',
    'subscription of the client alone, in a run of its own without projector; answer: until the append was answered.',
    '',
    table(
      ['', 'events', 'events/s', 'lag p50', 'lag p99', 'answer p50', 'answer p99'],
      rows.map(([name, { events, rate, arrived, answered }]) => [
        name,
        whole(events),
        rate.toFixed(1),
        ...[arrived.p50, arrived.p99, answered.p50, answered.p99].map(ms),
      ]),
    ),
    ...(missed ? [`WARNING: the log did not take ${RATE} appends a second: the lag is that of the rate it took`] : []),
  ].join('\n');
}

export function catchUpText({ events, raw, subscription, projector }: CatchUps): string {
  const speed = ({ seconds }: { readonly seconds: number }): number => events / seconds;
  const rows = [
    ['projector into empty views', projector] as const,
    ['new subscription (adapter)', subscription] as const,
    ['baseline: client alone, reads only', raw] as const,
  ];
  return table(
    ['', 'events', 'seconds', 'events/s', 'of baseline', 'MB at start', '1st half', '2nd half'],
    rows.map(([name, replay]) => [
      name,
      whole(events),
      replay.seconds.toFixed(2),
      whole(speed(replay)),
      (speed(replay) / speed(raw)).toFixed(2),
      whole(replay.memory.start),
      whole(replay.memory.firstHalf),
      whole(replay.memory.secondHalf),
    ]),
  );
}
