import { randomUUID } from 'node:crypto';
import type { EventStoreDBClient } from '@eventstore/db-client';
import type { Position } from '../../event-sourcing/event-store.js';
import { OwnHead } from './own-head.js';

/** Events by stream; the place in the list is the position. */
function logOf(streams: string[]) {
  const read = { events: 0, calls: 0 };
  const backwards = async (from: unknown, count: number) => {
    const before = typeof from === 'object' && from !== null && 'commit' in from ? Number(from.commit) : streams.length;
    const page = streams
      .slice(0, before)
      .map((streamId, at) => ({ event: { streamId, type: 'Happened', id: randomUUID(), position: at } }))
      .reverse()
      .slice(0, count);
    read.calls += 1;
    read.events += page.length;
    return page.map(({ event }) => {
      const position = { commit: BigInt(event.position), prepare: BigInt(event.position) };
      return { event: { ...event, position } };
    }) as unknown as Awaited<ReturnType<EventStoreDBClient['readAll']>[]>;
  };
  return { read, head: new OwnHead(backwards as never, ['customer-']) };
}

const at = (place: number): Position => `${place}/${place}` as Position;

describe('The head of the own streams', () => {
  it('is the newest own event, wherever others have written since', async () => {
    const streams = ['customer-1', 'customer-2', ...Array.from({ length: 1_234 }, () => 'other')];
    expect(await logOf(streams).head.find()).toBe(at(1));
    expect(await logOf(['other', 'customer-1']).head.find()).toBe(at(1));
    expect(await logOf(['other', 'other']).head.find()).toBeUndefined();
    expect(await logOf([]).head.find()).toBeUndefined();
  });

  it('is found the next time without reading again what others wrote', async () => {
    const streams = ['customer-1', ...Array.from({ length: 5_000 }, () => 'other')];
    const { head, read } = logOf(streams);
    await head.find();
    const before = read.events;
    for (let n = 0; n < 10; n += 1) {
      streams.push('other');
      expect(await head.find()).toBe(at(0));
    }
    expect(read.events - before).toBeLessThanOrEqual(40);
    streams.push('customer-2', 'other');
    expect(await head.find()).toBe(at(streams.length - 2));
    expect(await head.find()).toBe(at(streams.length - 2));
  });

  it('is looked for anew in a log that became shorter', async () => {
    const streams = ['customer-1', 'other', 'customer-2', 'other'];
    const { head } = logOf(streams);
    expect(await head.find()).toBe(at(2));
    streams.length = 2;
    expect(await head.find()).toBe(at(0));
    streams.length = 0;
    expect(await head.find()).toBeUndefined();
  });

  it('was there after it was asked for, also when another look is under way', async () => {
    const streams = ['customer-1'];
    const { head } = logOf(streams);
    const first = head.find();
    streams.push('customer-2');
    expect(await head.find()).toBe(at(1));
    await first;
  });
});
