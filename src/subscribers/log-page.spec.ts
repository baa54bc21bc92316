import { MemoryLog } from '../../test/faults/kernel-log.js';
import { SealedLog } from '../../test/support/sealed-log.js';
import type { Position, SubscribeOptions, SubscriptionMessage } from '../event-sourcing/event-store.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { type PageRequest, readPage } from './log-page.js';

const ALL: PageRequest = { after: undefined, filter: {}, limit: 100, characters: 1_000_000 };
const RARE: PageRequest = { ...ALL, filter: { types: new Set(['customer.deleted']) } };

describe('A page of the log', () => {
  let store: MemoryLog;
  let log: SealedLog;
  beforeEach(async () => {
    store = new MemoryLog();
    log = new SealedLog(store);
    await log.append('c1', 'CustomerCreated', { enabled: true }, { email: 'x'.repeat(1_000) });
    await log.append('c2', 'CustomerCreated', { enabled: true }, { email: 'x'.repeat(1_000) });
  });

  it('with a rare filter ends after so many events, empty and led on', async () => {
    const [template] = store.events;
    for (let n = 3; n <= 25_000; n += 1)
      store.events.push({ ...template!, revision: n, position: String(n) as Position });
    const places = [0];
    for (let more = true, after: Position | undefined; more;) {
      const page = await readPage(store, { ...RARE, after });
      expect(page.events).toEqual([]);
      places.push(Number(page.position));
      ({ hasMore: more, position: after } = page);
    }
    const steps = places.slice(1).map((place, at) => place - places[at]!);
    // One that takes long is shorter.
    expect(Math.max(...steps)).toBeLessThanOrEqual(10_000);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect([steps.length >= 3, places.at(-1)]).toEqual([true, 25_000]);
  });

  it('ends where its events come to too much text, and has one event at least', async () => {
    for (const filter of [{}, { customerId: 'c1' }]) {
      const { events, position, hasMore } = await readPage(store, { ...ALL, filter, characters: 10 });
      expect([events.length, position, hasMore]).toEqual([
        1,
        filter.customerId === undefined ? '1' : '2',
        filter.customerId === undefined,
      ]);
    }
  });

  it('says whether there is more to the event', async () => {
    expect(await readPage(store, { ...ALL, limit: 2 })).toMatchObject({ hasMore: false, position: '2' });
    expect(await readPage(store, { ...ALL, limit: 1 })).toMatchObject({ hasMore: true, position: '1' });
    expect(await readPage(store, { ...ALL, after: '1' as Position, limit: 1 })).toMatchObject({ hasMore: false });
  });

  it('is refused while the log says nothing', async () => {
    class SilentLog extends MemoryLog {
      override async *subscribe({ signal }: SubscribeOptions): AsyncGenerator<SubscriptionMessage> {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield* [];
      }
    }
    await expect(readPage(new SilentLog(), ALL)).rejects.toThrow(StoreUnavailable);
  });

  it('leaves no subscription behind, however it ends', async () => {
    const signals: AbortSignal[] = [];
    class WatchedLog extends MemoryLog {
      override subscribe(options: SubscribeOptions): AsyncGenerator<SubscriptionMessage> {
        signals.push(options.signal);
        return super.subscribe(options);
      }
    }
    const watched = new WatchedLog();
    watched.events.push(...store.events);
    for (const request of [ALL, RARE, { ...ALL, limit: 1 }]) await readPage(watched, request);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });
});
