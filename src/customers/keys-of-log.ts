import type { EventStore, RecordedEvent } from '../event-sourcing/event-store.js';
import type { KeyRef, SubjectKeys } from '../privacy/subject-keys.js';
import type { CustomerViews } from './read-model/customer-views.js';
import { CUSTOMER_PREFIX, customerIdOf, customerStream } from './streams.js';

/** The key store has nothing of the customers in the log: it belongs to another log, or is empty. */
export class KeysElsewhere extends Error {
  override readonly name = 'KeysElsewhere';
  constructor(readonly customers: number) {
    super('No key of the customers in the event log is in the key store');
  }
}

export interface KeysOfLogParts {
  readonly store: EventStore;
  readonly views: Pick<CustomerViews, 'list'>;
  readonly subjectKeys: Pick<SubjectKeys, 'findMany'>;
}

/** Customers that are looked at, of the newest and of the oldest each. */
const SAMPLE = 20;
/** One with more events is left out: its history would have to be read to the end to know whether it lives. */
const EVENTS_OF_ONE = 200;
/** How far the log is searched for its oldest customers; a log without any there decides nothing. */
const SEARCH = { events: 10_000, ms: 2_000 };

/**
 * Whether the key store is the one of this log. It is not when neither a key nor a trace of its destruction is there for
 * any of the living customers that are looked up, the newest and the oldest. One that came back from an older backup holds
 * those of the oldest, and passes.
 * @throws KeysElsewhere
 * @throws StoreUnavailable
 */
export async function verifyKeysOfLog(parts: KeysOfLogParts): Promise<void> {
  const newest = (await parts.views.list({}, SAMPLE)).views.map(({ id }) => id);
  const missing = await missingOf(newest, parts);
  if (missing === 'some stand') return;
  const oldest = await missingOf(await oldestSealed(parts.store), parts);
  if (oldest === 'some stand') return;
  const customers = new Set([...missing, ...oldest].map(({ subject }) => subject)).size;
  if (customers > 0) throw new KeysElsewhere(customers);
}

async function missingOf(
  ids: readonly string[],
  { store, subjectKeys }: KeysOfLogParts,
): Promise<readonly KeyRef[] | 'some stand'> {
  const refs: KeyRef[] = [];
  for (const id of ids) {
    const ref = livingKey(await store.read(customerStream(id), { limit: EVENTS_OF_ONE + 1 }));
    if (ref !== undefined) refs.push(ref);
  }
  const states = refs.length === 0 ? [] : await subjectKeys.findMany(refs);
  return states.every(({ status }) => status === 'none') ? refs : 'some stand';
}

/** The key that a customer's values are sealed with; undefined when there are none, or that life is over. */
function livingKey(events: readonly RecordedEvent[]): KeyRef | undefined {
  if (events.length > EVENTS_OF_ONE) return undefined;
  let living: KeyRef | undefined;
  for (const { stream, type, metadata } of events) {
    const { keyRevision } = metadata;
    if (type === 'CustomerErased' || type === 'CustomerDeleted') living = undefined;
    else if (typeof keyRevision === 'number') living = { subject: customerIdOf(stream), revision: keyRevision };
  }
  return living;
}

async function oldestSealed(store: EventStore): Promise<readonly string[]> {
  const found = new Set<string>();
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), SEARCH.ms);
  let searched = 0;
  try {
    for await (const message of store.subscribe({ prefixes: [CUSTOMER_PREFIX], signal: end.signal })) {
      searched += 1;
      if (message.kind === 'event' && message.event.metadata['keyRevision'] !== undefined)
        found.add(customerIdOf(message.event.stream));
      if (message.kind === 'caught_up' || found.size === SAMPLE || searched === SEARCH.events) break;
    }
  } finally {
    clearTimeout(timer);
    end.abort();
  }
  return [...found];
}
