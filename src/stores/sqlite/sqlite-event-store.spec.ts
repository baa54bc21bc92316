import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Followed } from '../../../test/contracts/followed.js';
import { Clock } from '../../event-sourcing/clock.js';
import type { EventToAppend } from '../../event-sourcing/event-store.js';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { Connection } from './connection.js';
import { SqliteEventStore } from './sqlite-event-store.js';

const anEvent = (): EventToAppend => ({ id: randomUUID(), type: 'SomethingHappened', data: {}, metadata: {} });

class StoppedClock extends Clock {
  override now(): number {
    return 1234;
  }
}

describe('the SQLite event log', () => {
  let folder: string;
  let file: string;
  let store: SqliteEventStore;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'customers-'));
    file = join(folder, 'events.db');
    store = await SqliteEventStore.open({ file, patienceMs: 100 });
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  it('has no head while it is empty', async () => {
    expect(await store.head()).toBeUndefined();
  });

  it('is the same log after it was closed and opened, and another one when it was made anew', async () => {
    const [id, event] = [await store.logId(), anEvent()];
    await store.append('s', 'no_stream', [event]);
    await store.close();
    store = await SqliteEventStore.open({ file });
    expect(await store.logId()).toBe(id);
    expect(await store.read('s')).toMatchObject([event]);
    const another = await SqliteEventStore.open({ file: ':memory:' });
    expect(await another.logId()).not.toBe(id);
    await another.close();
  });

  it('stamps events by its clock', async () => {
    const own = await SqliteEventStore.open({ file: ':memory:', clock: new StoppedClock() });
    await own.append('s', 'no_stream', [anEvent()]);
    expect(await own.read('s')).toMatchObject([{ recordedAt: 1234 }]);
    await own.close();
  });

  it('refuses an empty append, and a name the driver would cut off', async () => {
    await expect(store.append('s', 'no_stream', [])).rejects.toThrow(RangeError);
    await expect(store.append('s\0t', 'no_stream', [anEvent()])).rejects.toThrow(RangeError);
    expect(await store.head()).toBeUndefined();
  });

  it('has written nothing when another process does not let it', async () => {
    const other = new Connection(file, 0);
    other.exec('BEGIN IMMEDIATE');
    const refused = await Promise.allSettled([1, 2, 3].map((n) => store.append(`s${n}`, 'no_stream', [anEvent()])));
    for (const result of refused) expect(result).toMatchObject({ reason: expect.any(StoreUnavailable) });
    expect(await store.head()).toBeUndefined();
    other.exec('COMMIT');
    expect(await store.append('s1', 'no_stream', [anEvent()])).toMatchObject({ revision: 0 });
    other.close();
  });

  it('never shows what is not committed', async () => {
    const followed = await new Followed(store, ['s']).untilCaughtUp();
    const other = new Connection(file, 0);
    other.exec('BEGIN IMMEDIATE');
    other.exec("INSERT INTO events VALUES (1, 's', 0, 'x', 't', '{}', '{}', 0, NULL)");
    expect(await store.read('s')).toEqual([]);
    expect(await store.head()).toBeUndefined();
    other.exec('ROLLBACK');
    const event = anEvent();
    await store.append('s', 'no_stream', [event]);
    await followed.untilEvents(1);
    expect(followed.events).toMatchObject([event]);
    await followed.stop();
    other.close();
  });

  it('hands on its own events without waiting for a poll', async () => {
    const followed = await new Followed(store, ['s']).untilCaughtUp();
    const delays: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      await store.append('s', n === 0 ? 'no_stream' : n - 1, [anEvent()]);
      const appended = performance.now();
      await followed.untilEvents(n + 1);
      delays.push(performance.now() - appended);
    }
    // By polls half of them would take 50 ms and more.
    expect(delays.sort((a, b) => a - b)[10]).toBeLessThan(25);
    await followed.stop();
  });

  it('shows a new subscription what is stored, not what was handed to others', async () => {
    const live = await new Followed(store, ['s']).untilCaughtUp();
    await store.append('s', 'no_stream', [anEvent()]);
    await live.untilEvents(1);
    const other = new Connection(file, 0);
    other.exec("UPDATE events SET type = 'SomethingElse'");
    other.close();
    const fresh = await new Followed(store, ['s']).untilEvents(1);
    expect(fresh.events).toMatchObject([{ type: 'SomethingElse' }]);
    await Promise.all([live.stop(), fresh.stop()]);
  });

  it('hands all live subscriptions the same events', async () => {
    const followers = [1, 2, 3].map(() => new Followed(store, ['s']));
    await Promise.all(followers.map((followed) => followed.untilCaughtUp()));
    await store.append('s', 'no_stream', [anEvent(), anEvent()]);
    await Promise.all(followers.map((followed) => followed.untilEvents(2)));
    expect(new Set(followers.map(({ events }) => events[1])).size).toBe(1);
    expect(followers[0]?.events).toEqual(await store.read('s'));
    await Promise.all(followers.map((followed) => followed.stop()));
  });

  it('has one timer for all subscriptions, and none without', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const many = Array.from({ length: 30 }, () => new Followed(store, ['s']));
    await Promise.all(many.map((followed) => followed.untilCaughtUp()));
    // The timer does not keep the process alive, and such are not counted.
    expect(timers()).toBe(before);
    await store.append('s', 'no_stream', [anEvent()]);
    await Promise.all(many.map((followed) => followed.untilEvents(1)));
    await Promise.all(many.map((followed) => followed.stop()));
    expect(timers()).toBe(before);
  });

  it('drops its subscriptions when it is closed', async () => {
    const followed = await new Followed(store, ['s']).untilCaughtUp();
    await store.close();
    expect(await followed.ended).toBeInstanceOf(StoreUnavailable);
  });

  it('lets other work through while a subscription catches up', async () => {
    for (let n = 0; n < 20; n += 1) {
      await store.append(`s${n}`, 'no_stream', Array.from({ length: 200 }, anEvent));
    }
    let turns = 0;
    const count = (): void => {
      turns += 1;
      handle = setImmediate(count);
    };
    let handle = setImmediate(count);
    const followed = await new Followed(store, ['s']).untilEvents(4000);
    clearImmediate(handle);
    expect(turns).toBeGreaterThanOrEqual(7);
    await followed.stop();
  });
});
