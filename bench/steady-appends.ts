import { setTimeout as delay } from 'node:timers/promises';
import { openPrivacy, openStores, type Stores } from '../src/adapters.js';
import { readConfig } from '../src/config.js';
import { customerIdOf } from '../src/customers/streams.js';
import type { StreamEvent } from '../src/event-sourcing/event-store.js';
import { type Progress, serve } from './child.js';
import { monotonicMs } from './machine.js';
import { appendNew, historyOf, TOGETHER } from './seeding.js';
import type { Place } from './store-servers.js';

/** Appends straight to the log: no request, and no instance of the service that would write the view through. */
export type AppendTask =
  /** Makes customers, and the events to append to them later. */
  | { readonly kind: 'prepare'; readonly place: Place; readonly customers: number; readonly updatesEach: number }
  /** Appends the next of them, each for itself, to one customer after the other. */
  | { readonly kind: 'append'; readonly count: number; readonly rate: number }
  | { readonly kind: 'close' };

/** Milliseconds by {@link monotonicMs}. */
export interface Sent {
  readonly id: string;
  readonly revision: number;
  readonly sentAt: number;
  readonly answeredAt: number;
}

export interface AppendResult {
  readonly sent: readonly Sent[];
  /** A second, as reached. */
  readonly rate: number;
}

/** A server that is slower than the rate gets no more than this at once: the rate is missed then, and said to be. */
const IN_FLIGHT = 400;

let stores: Stores | undefined;
let waiting: StreamEvent[] = [];

async function work(task: AppendTask, onProgress: Progress): Promise<AppendResult> {
  switch (task.kind) {
    case 'prepare':
      await prepare(task, onProgress);
      return { sent: [], rate: 0 };
    case 'append':
      return append(task, onProgress);
    case 'close':
      await stores?.close();
      return { sent: [], rate: 0 };
    default:
      return task satisfies never;
  }
}

async function prepare(
  { place, customers, updatesEach }: Extract<AppendTask, { kind: 'prepare' }>,
  onProgress: Progress,
): Promise<void> {
  const config = readConfig({ DATA_DIR: place.dataDir, ...place.servers });
  stores = await openStores(config, { exclusive: false });
  const { eventStore } = stores;
  const { keys } = await openPrivacy(config, stores);
  const histories: (readonly StreamEvent[])[] = [];
  for (let from = 0; from < customers; from += TOGETHER.servers) {
    const numbers = Array.from({ length: Math.min(TOGETHER.servers, customers - from) }, (_, i) => from + i);
    const made = numbers.map(async (n) => {
      const history = await historyOf(keys, { prefix: 'l', eventsEach: 1 + updatesEach }, n);
      await appendNew(eventStore, history.slice(0, 1));
      histories.push(history);
    });
    await Promise.all(made);
    onProgress((from + numbers.length) / customers, 'preparing');
  }
  waiting = Array.from({ length: updatesEach }, (_, i) => histories.flatMap((history) => history[i + 1] ?? [])).flat();
}

/** By the clock, not by the answers: an append that is late holds back only the next to the same customer. */
async function append(
  { count, rate }: Extract<AppendTask, { kind: 'append' }>,
  onProgress: Progress,
): Promise<AppendResult> {
  const events = waiting.splice(0, count);
  const begun = monotonicMs();
  const sent: Promise<Sent>[] = [];
  const before = new Map<string, Promise<Sent>>();
  let inFlight = 0;
  let failure: unknown;
  while (sent.length < events.length && failure === undefined) {
    const due = Math.min(events.length, Math.ceil(((monotonicMs() - begun) / 1000) * rate));
    while (sent.length < due && inFlight < IN_FLIGHT) {
      const event = events[sent.length];
      if (event === undefined) break;
      inFlight += 1;
      const answered = appendOne(event, before.get(event.stream)).finally(() => (inFlight -= 1));
      answered.catch((error: unknown) => (failure = error));
      sent.push(answered);
      before.set(event.stream, answered);
    }
    onProgress(sent.length / events.length, `${sent.length} events appended`);
    await delay(1);
  }
  const all = await Promise.all(sent);
  const seconds = ((all.at(-1)?.sentAt ?? NaN) - begun) / 1000;
  return { sent: all, rate: all.length / seconds };
}

async function appendOne(event: StreamEvent, before: Promise<Sent> | undefined): Promise<Sent> {
  if (stores === undefined) throw new Error('Nothing is prepared');
  await before;
  const sentAt = monotonicMs();
  await stores.eventStore.append(event.stream, event.revision - 1, [event]);
  return { id: customerIdOf(event.stream), revision: event.revision, sentAt, answeredAt: monotonicMs() };
}

serve(work);
