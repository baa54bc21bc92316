import { setTimeout as delay } from 'node:timers/promises';
import { draftEvents } from '../src/customers/commands/draft-events.js';
import { foldCustomer } from '../src/customers/customer-history.js';
import type { CustomerEvent } from '../src/customers/domain/events.js';
import { PersonalValues } from '../src/customers/personal-values.js';
import { customerStream } from '../src/customers/streams.js';
import { systemContext } from '../src/event-sourcing/command-context.js';
import { chain, type EventDraft } from '../src/event-sourcing/envelope.js';
import type { EventStore, StreamEvent } from '../src/event-sourcing/event-store.js';
import { OutcomeUnknown, StoreUnavailable } from '../src/event-sourcing/store-errors.js';
import type { KeyRing } from '../src/privacy/key-ring.js';
import type { Progress } from './child.js';
import { bodyOf, FORGET_EVERY, idOf, shippingOf } from './population.js';

export interface SeedPlan {
  readonly prefix: string;
  /** Customers `from` up to but not including `to`. */
  readonly from: number;
  readonly to: number;
  /** Of each customer: its creation, then changes of its address. */
  readonly eventsEach: number;
}

/** Embedded, the appends of one turn share a transaction; a server is given no more than it answers in time. */
export const TOGETHER = { embedded: 256, servers: 32 } as const;
const PATIENCE_MS = 30_000;
const RETRY_MS = 200;
const DAY_MS = 86_400_000;

/** Writes histories such as the service writes, through the ports, a stream in one append. @returns how many events */
export async function seed(
  store: EventStore,
  keys: KeyRing,
  plan: SeedPlan & { readonly together: number },
  onProgress: Progress,
): Promise<number> {
  let events = 0;
  for (let from = plan.from; from < plan.to; from += plan.together) {
    const length = Math.min(plan.together, plan.to - from);
    const counts = await Promise.all(Array.from({ length }, (_, i) => seedOne(store, keys, plan, from + i)));
    events += counts.reduce((sum, count) => sum + count, 0);
    onProgress((from + length - plan.from) / (plan.to - plan.from), `${events} events written`);
  }
  return events;
}

async function seedOne(store: EventStore, keys: KeyRing, plan: SeedPlan, n: number): Promise<number> {
  const history = await historyOf(keys, plan, n);
  await appendNew(store, history);
  return history.length;
}

/** The same append again is the same append: one whose outcome is unknown may be repeated. */
export async function appendNew(store: EventStore, history: readonly StreamEvent[]): Promise<void> {
  await patiently(() => store.append(history[0]?.stream ?? '', 'no_stream', history));
}

/** A server that is slow for a moment must not end a bench: nothing is measured here. */
async function patiently<T>(step: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      const passes = error instanceof StoreUnavailable || error instanceof OutcomeUnknown;
      if (!passes || performance.now() > giveUpAt) throw error;
      await delay(RETRY_MS);
    }
  }
}

/** The events of one customer, ready to be appended. */
export async function historyOf(
  keys: KeyRing,
  { prefix, eventsEach }: Pick<SeedPlan, 'prefix' | 'eventsEach'>,
  n: number,
): Promise<readonly StreamEvent[]> {
  const id = idOf({ prefix }, n);
  const ref = { subject: id, revision: 1 };
  const key = await patiently(() => keys.findOrCreate(ref));
  if (key === 'erased') throw new Error('The key of a customer that is to be seeded is destroyed');
  const values = new PersonalValues(key, ref);
  const stream = customerStream(id);
  const draft = (event: CustomerEvent, past = foldCustomer([])): readonly EventDraft[] =>
    draftEvents([event], { context: systemContext('bench', 0), past, values, now: Date.now() });

  const created = draft({ type: 'CustomerCreated', data: { ...bodyOf(n), enabled: true } });
  const past = foldCustomer(chain(stream, undefined, created));
  const changes = Array.from({ length: eventsEach - 1 }, (_, i) => draft(moved(n, i), past));
  const forget = n % FORGET_EVERY === 0 ? draft(forgetRequested(), past) : [];
  return chain(stream, undefined, [created, changes, forget].flat(2));
}

const moved = (n: number, i: number): CustomerEvent => ({
  type: 'CustomerShippingChanged',
  data: { shipping: shippingOf(n, `${i} Side Street`) },
});

/** Not due while the bench runs. */
const forgetRequested = (): CustomerEvent => ({
  type: 'ForgetRequested',
  data: { dueAt: new Date(Date.now() + 28 * DAY_MS).toISOString() },
});
