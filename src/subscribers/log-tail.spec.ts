import { MemoryLog } from '../../test/faults/kernel-log.js';
import { SealedLog } from '../../test/support/sealed-log.js';
import type { Position, RecordedEvent, SubscribeOptions, SubscriptionMessage } from '../event-sourcing/event-store.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { EventReader } from './event-reader.js';
import { LogTail } from './log-tail.js';
import { Turns } from './turns.js';

describe('The tail of the log', () => {
  let store: FailingLog;
  let log: SealedLog;
  let tail: LogTail;

  class FailingLog extends MemoryLog {
    subscriptions = 0;
    fails = false;
    headsRefused = 0;
    override async head(): Promise<Position | undefined> {
      this.headsRefused -= 1;
      if (this.headsRefused >= 0) throw new StoreUnavailable('event_log');
      return super.head();
    }
    override subscribe(options: SubscribeOptions): AsyncGenerator<SubscriptionMessage> {
      this.subscriptions += 1;
      return this.failing(super.subscribe(options));
    }
    private async *failing(messages: AsyncGenerator<SubscriptionMessage>): AsyncGenerator<SubscriptionMessage> {
      for await (const message of messages) {
        if (this.fails) throw new StoreUnavailable('event_log');
        yield message;
      }
    }
  }

  beforeEach(() => {
    store = new FailingLog();
    log = new SealedLog(store);
  });
  afterEach(() => tail.onModuleDestroy());

  const start = async (events = 1_000, characters = 1_000_000): Promise<void> => {
    tail = new LogTail(store, { events, characters });
    await tail.onModuleInit();
  };
  const append = (customer: string): Promise<RecordedEvent> =>
    log.append(customer, store.stream(`customer-${customer}`).length === 0 ? 'CustomerCreated' : 'CustomerEnabled', {
      enabled: true,
    });
  const reached = async (): Promise<void> => tail.reached((await store.head())!, 5_000);
  const readerAfter = (position: Position | undefined, customerId?: string): EventReader =>
    new EventReader({ store, tail, catchUps: new Turns(1) }, position, customerId === undefined ? {} : { customerId });
  const drain = async (reader: EventReader): Promise<string[]> => {
    const positions: string[] = [];
    for (let stretch = await reader.next(); stretch !== undefined; stretch = await reader.next()) {
      positions.push(...stretch.events.map(({ position }) => position));
    }
    return positions;
  };

  it('begins at the end of a log that is out of reach for a moment', async () => {
    await append('c1');
    store.headsRefused = 2;
    await start();
    await append('c2');
    await reached();
    expect(tail.placeAfter('1' as Position)).toBe(0);
    expect(tail.end).toBe(1);
  });

  it('gives readers what came since its start without another subscription', async () => {
    await append('c1');
    const before = await store.head();
    await start();
    for (let n = 0; n < 5; n += 1) await append(`c${n}`);
    await reached();
    const [reader, late] = [readerAfter(before), readerAfter('4' as Position)];
    expect([await drain(reader), await drain(late)]).toEqual([
      ['2', '3', '4', '5', '6'],
      ['5', '6'],
    ]);
    await append('c9');
    await reached();
    expect([await drain(reader), await drain(late)]).toEqual([['7'], ['7']]);
    expect(store.subscriptions).toBe(1);
  });

  it('gives a reader who is before it, or fell behind it, to the log and takes it back, with no event twice or lost', async () => {
    for (let n = 0; n < 5; n += 1) await append(`c${n}`);
    await start(3);
    const reader = readerAfter(undefined);
    expect(reader.isInTail).toBe(false);
    expect(await drain(reader)).toEqual(['1', '2', '3', '4', '5']);
    const subscriptions = store.subscriptions;
    await append('c6');
    await reached();
    expect(await drain(reader)).toEqual(['6']);
    expect(store.subscriptions).toBe(subscriptions);
    for (let n = 10; n < 20; n += 1) await append(`c${n}`);
    await reached();
    expect(tail.from(0, 100)).toBeUndefined();
    expect(await drain(reader)).toEqual(Array.from({ length: 10 }, (_, n) => String(7 + n)));
  });

  it('tells a reader nothing twice who is ahead of it', async () => {
    await start();
    await append('c1');
    await reached();
    store.fails = true;
    const ahead = await append('c2');
    const reader = readerAfter('1' as Position);
    expect(await drain(reader)).toEqual([]);
    const other = readerAfter(ahead.position);
    expect(other.isInTail).toBe(false);
    store.fails = false;
    expect(await drain(other)).toEqual([]);
    await append('c3');
    await reached();
    expect(await drain(other)).toEqual(['3']);
    expect(await drain(reader)).toEqual(['2', '3']);
  });

  it('holds a bounded amount of text', async () => {
    await start(1_000, 10_000);
    for (let n = 0; n < 30; n += 1) await append(`c${n}`);
    await reached();
    const first = tail.placeAfter('29' as Position)!;
    expect(tail.end - first).toBe(1);
    expect(tail.from(tail.end - 12, 100)).toHaveLength(12);
    expect(tail.from(tail.end - 13, 100)).toBeUndefined();
  });

  it('leads a filter along, though nothing passes it', async () => {
    await start();
    const reader = readerAfter(undefined, 'c7');
    for (let n = 0; n < 5; n += 1) await append(`c${n}`);
    await reached();
    expect(await reader.next()).toEqual({ events: [], position: '5', name: expect.any(String) });
  });

  it('goes on by itself after a failure, and says when it has not come so far', async () => {
    await start();
    store.fails = true;
    const { position } = await append('c1');
    await expect(tail.reached(position, 50)).rejects.toThrow(StoreUnavailable);
    store.fails = false;
    await tail.reached(position, 5_000);
    expect(await drain(readerAfter(undefined))).toEqual(['1']);
  });
});
