import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './bench.js';
import { Child, type Progress } from './child.js';
import { monotonicMs, percentile } from './machine.js';
import { bodyOf, idOf } from './population.js';
import { KEY } from './server.js';
import type { StreamResult, StreamTask } from './stream-clients.js';
import type { Inside, StreamServerTask } from './streams-server.js';

export interface Streams {
  /** As many as were asked for, or as the limit of open files allows. */
  readonly connections: number;
  readonly wanted: number;
  readonly looks: readonly Look[];
  /** Kilobytes that a connection adds. */
  readonly each: {
    /** With what catching up has left behind and the process not yet given back. */
    readonly caughtUp: Added;
    /** After the appends. */
    readonly settled: Added;
    readonly bare: Added;
  };
  readonly appended: Appended;
}

export type Added = Pick<Inside, 'resident' | 'heap'>;

export interface Look extends Inside {
  readonly name: string;
}

export interface Appended {
  readonly events: number;
  /** A second, as reached and as asked for. */
  readonly rate: number;
  readonly wantedRate: number;
  /** Events that all connections together got. */
  readonly delivered: number;
  /** Milliseconds from the append's sending until its event was with the last connection. */
  readonly p50: number;
  readonly p99: number;
}

const CUSTOMERS = 100;
const EVENTS_EACH = 2;
const PREFIX = 'm';
/** Open files besides the connections. */
const OTHER_FILES = 100;

type Servers = Child<StreamServerTask, Inside>;
type Clients = Child<StreamTask, StreamResult>;

/** The memory of a service that many follow: before they come, when all are caught up, while it grows, when they are gone. */
export async function streams(bench: Bench, onProgress: Progress): Promise<Streams> {
  const wanted = bench.options.streams.connections;
  const connections = Math.max(1, Math.min(wanted, openFiles() - OTHER_FILES));
  const dataDir = bench.newFolder('streams');
  const plan = { prefix: PREFIX, from: 0, to: CUSTOMERS, eventsEach: EVENTS_EACH };
  const { events } = await bench.onStores({ kind: 'seed', dataDir, plans: [plan] });
  onProgress(0.1, 'a bare server');
  const bare = await bareServer(connections);
  const { looks, appended } = await service(bench, { dataDir, connections, events }, onProgress);
  return { connections, wanted, looks: [...looks, ...bare], each: each(looks, bare, connections), appended };
}

/** Node has raised the soft limit to the hard one, in its children too; without /proc it is not known. */
function openFiles(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}

async function bareServer(connections: number): Promise<readonly Look[]> {
  const server: Servers = new Child('streams-server.js');
  const clients: Clients = new Child('stream-clients.js');
  const before = await server.run({ kind: 'bare' });
  await clients.run({ kind: 'open', url: before.url, connections });
  const held = await server.run({ kind: 'look' });
  await clients.run({ kind: 'close' });
  await stop(server, clients);
  return [
    { name: 'bare server, nobody', ...before },
    { name: 'bare server, all connected', ...held },
  ];
}

interface Setting {
  readonly dataDir: string;
  readonly connections: number;
  /** In the log at the start. */
  readonly events: number;
}

async function service(
  bench: Bench,
  { dataDir, connections, events }: Setting,
  onProgress: Progress,
): Promise<Pick<Streams, 'looks' | 'appended'>> {
  const server: Servers = new Child('streams-server.js');
  const clients: Clients = new Child('stream-clients.js');
  const looks: Look[] = [];
  const look = async (name: string, note: number): Promise<void> => {
    onProgress(note, name);
    looks.push({ name, ...(await server.run({ kind: 'look' })) });
  };
  const { url } = await server.run({ kind: 'service', dataDir });
  const { rate, seconds } = bench.options.streams;
  const before = await append(url, { rate, seconds, round: 'a' });
  await look('nobody, appends', 0.3);
  await clients.run({ kind: 'open', url, connections });
  await clients.run({ kind: 'await', events: events + before.length });
  await look('all caught up', 0.5);
  const sent = await append(url, { rate, seconds, round: 'b' });
  const { hadAt } = await clients.run({ kind: 'await', events: events + before.length + sent.length });
  await look('all connected, appends', 0.8);
  await clients.run({ kind: 'close' });
  await look('all gone', 0.9);
  await stop(server, clients);
  return { looks, appended: { ...appendedOf(sent, hadAt.slice(-sent.length), connections), wantedRate: rate } };
}

/** A server that listens, or a connection that is open, would keep its process. */
async function stop(server: Servers, clients: Clients): Promise<void> {
  await server.run({ kind: 'close' });
  await Promise.all([clients.stop(), server.stop()]);
}

interface Appends {
  /** A second. */
  readonly rate: number;
  readonly seconds: number;
  readonly round: string;
}

/** One after the other by the clock, each one event through the service. @returns when each was sent */
async function append(url: string, { rate, seconds, round }: Appends): Promise<readonly number[]> {
  const sent: number[] = [];
  const begun = monotonicMs();
  for (let i = 0; i < rate * seconds; i += 1) {
    await delay(Math.max(0, begun + (1000 * i) / rate - monotonicMs()));
    sent.push(monotonicMs());
    const answer = await fetch(`${url}/customers/${idOf({ prefix: PREFIX }, i % CUSTOMERS)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(i % CUSTOMERS, `${i} ${round} Lane`)),
    });
    if (answer.status !== 200) throw new Error(`An update was answered ${answer.status}`);
    await answer.arrayBuffer();
  }
  return sent;
}

function appendedOf(
  sent: readonly number[],
  hadAt: readonly number[],
  connections: number,
): Omit<Appended, 'wantedRate'> {
  const lags = sent.map((at, i) => (hadAt[i] ?? NaN) - at);
  const seconds = ((sent.at(-1) ?? NaN) - (sent[0] ?? NaN)) / 1000;
  return {
    events: sent.length,
    rate: (sent.length - 1) / seconds,
    delivered: sent.length * connections,
    p50: percentile(lags, 50),
    p99: percentile(lags, 99),
  };
}

function each(looks: readonly Look[], bare: readonly Look[], connections: number): Streams['each'] {
  const added = (before: Look | undefined, held: Look | undefined): Added => ({
    resident: (1024 * ((held?.resident ?? NaN) - (before?.resident ?? NaN))) / connections,
    heap: (1024 * ((held?.heap ?? NaN) - (before?.heap ?? NaN))) / connections,
  });
  return {
    caughtUp: added(looks[0], looks[1]),
    settled: added(looks[0], looks[2]),
    bare: added(bare[0], bare[1]),
  };
}
