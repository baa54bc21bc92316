import { draftEvents } from '../src/customers/commands/draft-events.js';
import { foldCustomer } from '../src/customers/customer-history.js';
import type { CustomerEvent } from '../src/customers/domain/events.js';
import { PersonalValues } from '../src/customers/personal-values.js';
import { customerStream } from '../src/customers/streams.js';
import { systemContext } from '../src/event-sourcing/command-context.js';
import { chain, type EventDraft } from '../src/event-sourcing/envelope.js';
import type { EventStore } from '../src/event-sourcing/event-store.js';
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

/** Appends of one turn share a transaction. */
const TOGETHER = 256;
const DAY_MS = 86_400_000;

/** Writes histories such as the service writes, through the ports, a stream in one append. @returns how many events */
export async function seed(store: EventStore, keys: KeyRing, plan: SeedPlan, onProgress: Progress): Promise<number> {
  let events = 0;
  for (let from = plan.from; from < plan.to; from += TOGETHER) {
    const length = Math.min(TOGETHER, plan.to - from);
    const counts = await Promise.all(Array.from({ length }, (_, i) => seedOne(store, keys, plan, from + i)));
    events += counts.reduce((sum, count) => sum + count, 0);
    onProgress((from + length - plan.from) / (plan.to - plan.from), `${events} events written`);
  }
  return events;
}

async function seedOne(store: EventStore, keys: KeyRing, { prefix, eventsEach }: SeedPlan, n: number): Promise<number> {
  const id = idOf({ prefix }, n);
  const ref = { subject: id, revision: 1 };
  const key = await keys.findOrCreate(ref);
  if (key === 'erased') throw new Error('The key of a customer that is to be seeded is destroyed');
  const values = new PersonalValues(key, ref);
  const stream = customerStream(id);
  const draft = (event: CustomerEvent, past = foldCustomer([])): readonly EventDraft[] =>
    draftEvents([event], { context: systemContext('bench', 0), past, values, now: Date.now() });

  const created = draft({ type: 'CustomerCreated', data: { ...bodyOf(n), enabled: true } });
  const past = foldCustomer(chain(stream, undefined, created));
  const changes = Array.from({ length: eventsEach - 1 }, (_, i) => draft(moved(n, i), past));
  const forget = n % FORGET_EVERY === 0 ? draft(forgetRequested(), past) : [];
  const appended = chain(stream, undefined, [created, changes, forget].flat(2));
  await store.append(stream, 'no_stream', appended);
  return appended.length;
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
