import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.js';
import { Child, type Progress } from './child.js';
import type { FeedResult, FeedTask } from './feed-readers.js';
import { pageFile } from './floor-events.js';
import { median } from './machine.js';
import type { Replay } from './scale.js';
import { ask, KEY, REDACTED_KEY, type Server } from './server.js';
import { type Pair, startPair, stopPair } from './side-by-side.js';

export interface FeedSpeed {
  /** Of all readers together. */
  readonly eventsPerSecond: number;
  /** Microseconds of processor time of the server process for an event; NaN where it can't be told. */
  readonly cpu: number;
  readonly megabytesPerSecond: number;
}

export interface FeedComparison {
  readonly readers: number;
  /** Whether the readers see personal values: each is opened for each answer. */
  readonly personal: boolean;
  readonly floor: FeedSpeed;
  readonly service: FeedSpeed;
  /** Events per second of the service over those of the floor: the median over the rounds, and the extremes. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Feed {
  readonly events: number;
  readonly comparisons: readonly FeedComparison[];
  /** The same log through a subscription in process, each event parsed: no request, no envelope, no keys. */
  readonly log: Replay;
}

export const FEED_LIMIT = 1_000;
const READERS = [1, 8] as const;
const MB = 1024 * 1024;

type Readers = Child<FeedTask, FeedResult>;

/** The whole log over HTTP, page by page; the floor hands out the service's first page as often. */
export async function feed(bench: Bench, onProgress: Progress): Promise<Feed> {
  const dataDir = bench.newFolder('feed');
  const plan = { prefix: 'f', from: 0, to: bench.options.feed.customers, eventsEach: bench.options.feed.eventsEach };
  const { events } = await bench.onStores({ kind: 'seed', dataDir, plans: [plan] }, (f, note) =>
    onProgress(f / 4, note),
  );
  await bench.onStores({ kind: 'keys', dataDir });
  const log = await bench.onStores({ kind: 'catch-up', dataDir });
  onProgress(0.25, 'starting');
  const pair = await startPair(bench, { dataDir });
  for (const personal of [true, false]) {
    const page = await ask(pair.service.url, `/events?limit=${FEED_LIMIT}`, keyFor(personal));
    writeFileSync(join(bench.folder, pageFile(personal)), page);
  }
  const clients: Readers = new Child('feed-readers.js');
  const comparisons: FeedComparison[] = [];
  for (const personal of [true, false]) {
    for (const server of [pair.floor, pair.service]) await read(clients, server, { readers: 1, personal, events });
    for (const readers of READERS) {
      onProgress(0.25 + (0.75 * comparisons.length) / 4, `${readers} readers`);
      comparisons.push(await compare(bench, clients, pair, { readers, personal, events }));
    }
  }
  await clients.stop();
  await stopPair(pair);
  return { events, comparisons, log };
}

interface Reading {
  readonly readers: number;
  readonly personal: boolean;
  readonly events: number;
}

async function compare(bench: Bench, clients: Readers, pair: Pair, reading: Reading): Promise<FeedComparison> {
  const seen = { floor: new Array<FeedSpeed>(), service: new Array<FeedSpeed>() };
  for (let round = 0; round < bench.options.rounds; round += 1) {
    for (const kind of round % 2 === 0 ? (['floor', 'service'] as const) : (['service', 'floor'] as const)) {
      seen[kind].push(await read(clients, pair[kind], reading));
    }
  }
  const ratios = seen.service.map((one, i) => one.eventsPerSecond / (seen.floor[i]?.eventsPerSecond ?? NaN));
  return {
    readers: reading.readers,
    personal: reading.personal,
    floor: middleOf(seen.floor),
    service: middleOf(seen.service),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}

async function read(clients: Readers, server: Server, { readers, personal, events }: Reading): Promise<FeedSpeed> {
  const before = server.cpuSeconds();
  const done = await clients.run({ url: server.url, key: keyFor(personal), limit: FEED_LIMIT, readers, events });
  const cpu = (1e6 * (server.cpuSeconds() - before)) / done.events;
  await server.idle();
  return {
    eventsPerSecond: done.events / done.seconds,
    cpu,
    megabytesPerSecond: done.bytes / MB / done.seconds,
  };
}

const middleOf = (all: readonly FeedSpeed[]): FeedSpeed => ({
  eventsPerSecond: median(all.map(({ eventsPerSecond }) => eventsPerSecond)),
  cpu: median(all.map(({ cpu }) => cpu)),
  megabytesPerSecond: median(all.map(({ megabytesPerSecond }) => megabytesPerSecond)),
});

const keyFor = (personal: boolean): string => (personal ? KEY : REDACTED_KEY);
