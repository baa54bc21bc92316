import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { describeEventStore } from '../../test/contracts/event-store.contract.js';
import { valueOf } from '../../test/support/metrics-text.js';
import { type Position, NotJson, WrongExpectedRevision } from '../event-sourcing/event-store.js';
import { OutcomeUnknown, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { IN_MEMORY } from '../stores/sqlite/driver.js';
import { SqliteEventStore } from '../stores/sqlite/sqlite-event-store.js';
import { SystemClock } from '../event-sourcing/clock.js';
import { MeteredEventStore } from './metered-event-store.js';

const open = (): Promise<SqliteEventStore> => SqliteEventStore.open({ file: IN_MEMORY, clock: new SystemClock() });

describeEventStore(
  'metered',
  async () => {
    const inner = await open();
    return {
      port: new MeteredEventStore(inner, new Registry()),
      beyondTheEnd: '999999999' as Position,
      close: () => inner.close(),
    };
  },
  false,
);

describe('the metered event store', () => {
  const events = (count: number) =>
    Array.from({ length: count }, () => ({ id: randomUUID(), type: 'Happened', data: {}, metadata: {} }));

  it.each([
    ['conflict', new WrongExpectedRevision('s', 0)],
    ['unavailable', new StoreUnavailable('event_log')],
    ['unknown', new OutcomeUnknown()],
    ['failed', new NotJson('x')],
  ])('counts an append that ends as %s, hands its error on as it is, and counts no events', async (outcome, error) => {
    const [inner, registry] = [await open(), new Registry()];
    inner.append = () => Promise.reject(error);
    const store = new MeteredEventStore(inner, registry);
    await expect(store.append('s', 'no_stream', events(2))).rejects.toBe(error);
    const text = await registry.metrics();
    expect(valueOf(text, 'customers_appends_total', { outcome })).toBe(1);
    expect(valueOf(text, 'customers_appends_total')).toBe(1);
    expect(valueOf(text, 'customers_events_appended_total')).toBe(0);
    expect(valueOf(text, 'customers_append_duration_seconds_count')).toBe(1);
    await inner.close();
  });

  it('counts what was appended, and its events', async () => {
    const [inner, registry] = [await open(), new Registry()];
    const store = new MeteredEventStore(inner, registry);
    await store.append('s-1', 'no_stream', events(3));
    await store.append('s-1', 2, events(2));
    const text = await registry.metrics();
    expect(valueOf(text, 'customers_appends_total', { outcome: 'appended' })).toBe(2);
    expect(valueOf(text, 'customers_events_appended_total')).toBe(5);
    await inner.close();
  });
});
