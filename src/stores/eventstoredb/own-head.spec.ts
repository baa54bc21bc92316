import { randomUUID } from 'node:crypto';
import type { AllStreamResolvedEvent, ReadPosition } from '@eventstore/db-client';
import type { Position, SubscriptionMessage } from '../../event-sourcing/event-store.js';
import type { PassedPlace } from '../../event-sourcing/passed-place.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { OwnHead, type OwnHeadLog } from './own-head.js';

const OWN = 'customer-';
/** Events that the server passes over between two marks. */
const WINDOW = 1_000;

const at = (place: number): Position => `${place}/${place}` as Position;
const placeOf = (position: Position | undefined): number =>
  position === undefined ? -1 : Number(position.split('/')[0]) - (position.endsWith('/0') ? 1 : 0);
const others = (count: number): string[] => Array.from({ length: count }, () => 'other');

/** Events by stream; the place in the list is the position. */
class Log implements OwnHeadLog {
  /** Read backwards, by whomever they were written, and passed over or sent by the server when it is read forwards. */
  readonly read = { backwards: 0, forwards: 0 };
  slowFrom = Infinity;
  breaksAfter = Infinity;
  passed: PassedPlace | undefined;

  constructor(readonly streams: string[]) {}

  async backwards(from: ReadPosition, count: number): Promise<readonly AllStreamResolvedEvent[]> {
    if (count >= this.slowFrom) throw new StoreUnavailable('event_log');
    const before = typeof from === 'object' ? Number(from.commit) : this.streams.length;
    const page = this.streams.slice(Math.max(0, before - count), before).map((streamId, index) => {
      const place = BigInt(Math.max(0, before - count) + index);
      return { event: { streamId, type: 'Happened', id: randomUUID(), position: { commit: place, prepare: place } } };
    });
    this.read.backwards += page.length;
    return page.reverse() as unknown as readonly AllStreamResolvedEvent[];
  }

  async catchUp(after: () => Position | undefined, take: (message: SubscriptionMessage) => void): Promise<void> {
    for (let place = placeOf(after()) + 1; place < this.streams.length; place += 1) {
      if (this.breaksAfter === 0) throw new StoreUnavailable('event_log');
      this.breaksAfter -= 1;
      this.read.forwards += 1;
      const stream = this.streams[place]!;
      if (stream.startsWith(OWN)) take(JSON.parse(JSON.stringify({ kind: 'event', event: { position: at(place) } })));
      else if ((place + 1) % WINDOW === 0) take({ kind: 'checkpoint', position: `${place + 1}/0` as Position });
    }
  }
}

function headOf(log: Log): OwnHead {
  return new OwnHead(log, async () => log.passed, [OWN]);
}

describe('The head of the own streams', () => {
  it.each<[string, string[], number | undefined]>([
    ['the newest event of all', ['other', `${OWN}1`], 1],
    ['near the end', [`${OWN}1`, `${OWN}2`, ...others(40)], 1],
    ['far from the end', [`${OWN}1`, `${OWN}2`, ...others(12_345)], 1],
    ['in the midst of what others wrote', [...others(3_000), `${OWN}1`, ...others(3_000)], 3_000],
    ['nowhere', others(2), undefined],
    ['nowhere in a long log', others(3_000), undefined],
    ['nowhere in an empty log', [], undefined],
  ])('is found: %s', async (_, streams, place) => {
    expect(await headOf(new Log(streams)).find()).toBe(place === undefined ? undefined : at(place));
  });

  it('is found without reading what others wrote before a place that is known', async () => {
    const streams = [`${OWN}1`, ...others(50_000)];
    const log = new Log(streams);
    log.passed = { upTo: '49001/0' as Position, newest: at(0) };
    expect(await headOf(log).find()).toBe(at(0));
    expect(log.read.backwards).toBeLessThanOrEqual(55);
    expect(log.read.forwards).toBeLessThanOrEqual(1_000);
    const later = new Log([...streams, `${OWN}2`, ...others(700)]);
    later.passed = log.passed;
    expect(await headOf(later).find()).toBe(at(50_001));
    expect(later.read.backwards + later.read.forwards).toBeLessThanOrEqual(55 + 1_701);
  });

  it('reads little backwards and the rest forwards, where the server passes over what others wrote', async () => {
    const log = new Log([`${OWN}1`, ...others(50_000)]);
    expect(await headOf(log).find()).toBe(at(0));
    expect(log.read.backwards).toBeLessThanOrEqual(555);
  });

  it('trusts no place that this log has not reached', async () => {
    const log = new Log([`${OWN}1`, ...others(2_000)]);
    log.passed = { upTo: at(60_000), newest: at(50_000) };
    expect(await headOf(log).find()).toBe(at(0));
  });

  it('is found where no place can be asked for', async () => {
    const log = new Log([`${OWN}1`, ...others(2_000)]);
    const head = new OwnHead(log, () => Promise.reject(new StoreUnavailable('read_model')), [OWN]);
    expect(await head.find()).toBe(at(0));
  });

  it('is found the next time without reading again what others wrote', async () => {
    const log = new Log([`${OWN}1`, ...others(5_000)]);
    const head = headOf(log);
    await head.find();
    const before = { ...log.read };
    for (let n = 0; n < 10; n += 1) {
      log.streams.push('other');
      expect(await head.find()).toBe(at(0));
    }
    expect(log.read.backwards - before.backwards).toBeLessThanOrEqual(50);
    log.streams.push(`${OWN}2`, 'other');
    expect(await head.find()).toBe(at(log.streams.length - 2));
    expect(await head.find()).toBe(at(log.streams.length - 2));
    expect(log.read.forwards).toBe(before.forwards);
  });

  it('goes on where a look that failed has come to', async () => {
    const log = new Log([`${OWN}1`, ...others(20_000), `${OWN}2`, ...others(20_000)]);
    const head = headOf(log);
    log.breaksAfter = 30_500;
    await expect(head.find()).rejects.toBeInstanceOf(StoreUnavailable);
    log.breaksAfter = Infinity;
    expect(await head.find()).toBe(at(20_001));
    expect(log.read.forwards).toBeLessThan(42_000);
  });

  it('is found though pages of what others wrote come too slowly', async () => {
    const log = new Log([`${OWN}1`, ...others(2_000)]);
    log.slowFrom = 4;
    expect(await headOf(log).find()).toBe(at(0));
    log.slowFrom = 1;
    await expect(headOf(log).find()).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it.each([0, 2_000])('is looked for anew in a log that became shorter, with %s events of others', async (count) => {
    const log = new Log([`${OWN}1`, ...others(count), `${OWN}2`, 'other']);
    const head = headOf(log);
    expect(await head.find()).toBe(at(count + 1));
    log.streams.length = count + 1;
    expect(await head.find()).toBe(at(0));
    log.streams.length = 0;
    expect(await head.find()).toBeUndefined();
  });

  it('was there after it was asked for, also when another look is under way', async () => {
    const log = new Log([`${OWN}1`]);
    const head = headOf(log);
    const first = head.find();
    log.streams.push(`${OWN}2`);
    expect(await head.find()).toBe(at(1));
    await first;
  });

  it('is never older than one that was found before, while others write and it is looked for again and again', async () => {
    const log = new Log([`${OWN}0`]);
    const head = headOf(log);
    let newest = 0;
    for (let n = 1; n < 200; n += 1) {
      log.streams.push(...others((n * 37) % 900));
      if (n % 5 === 0) newest = log.streams.push(`${OWN}${n}`) - 1;
      expect(await head.find()).toBe(at(newest));
    }
  });

  it('tells up to where nothing of the service follows', async () => {
    const log = new Log([...others(5), `${OWN}1`, ...others(5)]);
    const head = headOf(log);
    expect(head.placeBehind(at(5))).toBeUndefined();
    await head.find();
    for (const place of [5, 7]) expect(head.placeBehind(at(place))).toBe(at(10));
    for (const place of [4, 10, 11]) expect(head.placeBehind(at(place))).toBeUndefined();
    expect(head.placeBehind(undefined)).toBeUndefined();
    const none = headOf(new Log(others(5)));
    await none.find();
    expect(none.placeBehind(undefined)).toBe(at(4));
    expect(none.placeBehind(at(2))).toBe(at(4));
  });
});
