import { setTimeout as delay } from 'node:timers/promises';
import type { Arrival, ArrivalTask } from './arrivals.js';
import type { Bench } from './bench.js';
import { step } from './bench.js';
import { Child, type Progress } from './child.js';
import { percentile } from './machine.js';
import type { AppendResult, AppendTask, Sent } from './steady-appends.js';
import type { Place } from './store-servers.js';

/** Milliseconds since the append was sent. */
export interface Delay {
  readonly p50: number;
  readonly p99: number;
}

/** Of one run of appends. */
export interface Arriving {
  /** Appends a second, as reached. */
  readonly rate: number;
  readonly events: number;
  /** Until the log has answered. */
  readonly answered: Delay;
  /** Until the event has arrived. */
  readonly arrived: Delay;
}

export interface AppendToView {
  readonly seconds: number;
  /** At a subscription of the client alone: what no projector can be faster than. */
  readonly subscription: Arriving;
  /** In the view. */
  readonly views: Arriving;
}

/** Appends a second. */
export const RATE = 500;
/** After the last append, for the last arrival. */
const PATIENCE_MS = 30_000;

type Appends = Child<AppendTask, AppendResult>;
type Arrivals = Child<ArrivalTask, readonly Arrival[]>;

/** The same appends twice, watched by a bare subscription and then by the service. */
export async function appendToView(bench: Bench, place: Required<Place>, onProgress: Progress): Promise<AppendToView> {
  const { lagCustomers: customers, seconds, warmUpSeconds } = bench.options.stores;
  const third = (index: number): Progress => step(onProgress, index, 3);
  const appends: Appends = new Child('steady-appends.js');
  const updatesEach = Math.ceil((2 * (seconds + warmUpSeconds) * RATE) / customers);
  await appends.run({ kind: 'prepare', place, customers, updatesEach }, third(0));
  const watched = async (kind: 'subscription' | 'views', heard: Progress): Promise<Arriving> => {
    const arrivals: Arrivals = new Child('arrivals.js');
    await arrivals.run({ kind, place });
    await arriving(appends, arrivals, warmUpSeconds);
    const measured = await arriving(appends, arrivals, seconds, heard);
    await arrivals.run({ kind: 'close' });
    await arrivals.stop();
    return measured;
  };
  const subscription = await watched('subscription', third(1));
  const views = await watched('views', third(2));
  await appends.run({ kind: 'close' });
  await appends.stop();
  return { seconds, subscription, views };
}

async function arriving(
  appends: Appends,
  arrivals: Arrivals,
  seconds: number,
  onProgress?: Progress,
): Promise<Arriving> {
  const { sent, rate } = await appends.run({ kind: 'append', count: seconds * RATE, rate: RATE }, onProgress);
  const arrivedAt = await arrivalOf(sent, arrivals);
  return {
    rate,
    events: sent.length,
    answered: delayOf(sent.map(({ sentAt, answeredAt }) => answeredAt - sentAt)),
    arrived: delayOf(sent.map(({ sentAt }, i) => (arrivedAt[i] ?? NaN) - sentAt)),
  };
}

/** For each event when it arrived. @throws Error one does not */
async function arrivalOf(sent: readonly Sent[], arrivals: Arrivals): Promise<readonly number[]> {
  const seen = new Map<string, Arrival[]>();
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    for (const arrival of await arrivals.run({ kind: 'collect' })) {
      const known = seen.get(arrival.id);
      if (known === undefined) seen.set(arrival.id, [arrival]);
      else known.push(arrival);
    }
    const found = sent.map(({ id, revision }) => seen.get(id)?.find((arrival) => arrival.revision >= revision)?.at);
    const all = found.filter((at) => at !== undefined);
    if (all.length === sent.length) return all;
    if (performance.now() > giveUpAt) {
      throw new Error(`${sent.length - all.length} of ${sent.length} events did not arrive in ${PATIENCE_MS / 1000} s`);
    }
    await delay(100);
  }
}

const delayOf = (times: readonly number[]): Delay => ({ p50: percentile(times, 50), p99: percentile(times, 99) });
