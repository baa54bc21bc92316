import { WrongExpectedRevision } from '../../src/event-sourcing/event-store.js';
import { event, events } from '../contracts/log-under-test.js';
import type { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import type { Faults } from '../support/eventstoredb-server/faults.js';
import { outcome, timed, until, World } from './eventstoredb-world.js';

/** What a machine that has other work may add to the time that something takes. */
const BUSY_MS = 1_000;

describe('An append on EventStoreDB to which nothing is answered', () => {
  let world: World;
  let server: EventStoreDbServer;
  let faults: Faults;

  beforeEach(async () => {
    world = await World.begin({ appendMs: 1_000 });
    ({ server } = world);
    ({ faults } = server);
  });
  afterEach(() => world.end());

  /** How many appends were sent beyond the first time. */
  const resends = async (appends: number, work: () => Promise<unknown>): Promise<number> => {
    const before = server.appendsReceived;
    await work();
    return server.appendsReceived - before - appends;
  };
  const appendAll = (count: number, name: string): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, n) => world.store.append(`customer-${name}-${n}`, 'no_stream', events(2))),
    );

  it('because the same one is under way is answered as that one, long before its time-out', async () => {
    await appendAll(10, 'known');
    for (let n = 0; n < 5; n += 1) {
      const written = events(2);
      const both = Promise.all([1, 2].map(() => world.store.append(`customer-${n}`, 'no_stream', written)));
      expect(await timed(both)).toBeLessThan(BUSY_MS);
      const [one, other] = await both;
      expect(one).toEqual(other);
      expect(world.stored(`customer-${n}`)).toHaveLength(2);
    }
  });

  it('is sent again no more often than a few times, and is one append when the server goes on', async () => {
    faults.hangAppends();
    const append = world.store.append('customer-1', 'no_stream', events(2));
    const sent = await resends(1, () => outcome(append));
    expect(sent).toBeGreaterThanOrEqual(2);
    expect(sent).toBeLessThanOrEqual(4);
    faults.release();
    await until(() => world.stored('customer-1').length === 2);
    expect(await outcome(world.store.append('customer-1', 1, [event()]))).toBe('done');
    expect(world.stored('customer-1')).toHaveLength(3);
  });

  it('is settled by the answer to any of its sendings', async () => {
    faults.hangAppends();
    const append = world.store.append('customer-1', 'no_stream', events(2));
    await until(() => faults.appends.held === 2);
    faults.release();
    expect(await append).toMatchObject({ revision: 1 });
    expect(world.stored('customer-1')).toHaveLength(2);
  });

  it.each([
    ['takes 300 ms to write', () => (faults.writesTakeMs = 300)],
    ['takes 300 ms to index, and drops what is sent again meanwhile', () => (faults.indexingTakesMs = 300)],
  ])('adds next to nothing to the load of a server that %s', async (_, slow) => {
    slow();
    const sent = await resends(64 + 4, async () => {
      await appendAll(64, 'at-once');
      for (let n = 0; n < 4; n += 1) await appendAll(1, `one-by-one-${n}`);
    });
    expect(sent).toBeLessThanOrEqual(12);
  });

  it('adds next to nothing to the load of a server that is frozen', async () => {
    await appendAll(1, 'known');
    faults.hangAppends();
    const sent = await resends(200, () => outcome(appendAll(200, 'frozen')));
    expect(sent).toBeLessThanOrEqual(8 * 4);
  });

  it('is not sent again once it has been answered', async () => {
    faults.writesTakeMs = 20;
    expect(await resends(60, () => appendAll(60, 'answered'))).toBe(0);
  });

  it.each<[string, () => void]>([
    ['a wrong revision', () => faults.refuseWithWrongRevision(1)],
    ['a server that is not ready', () => faults.refuseNextAppend('not_ready')],
    ['a time-out', () => faults.timeOutNextAppend()],
  ])('is done when its first sending is refused for %s, and the second is not', async (_, strike) => {
    faults.hangAppends();
    const append = world.store.append('customer-1', 'no_stream', events(2));
    await until(() => faults.appends.held === 2);
    strike();
    faults.release();
    expect(await append).toMatchObject({ revision: 1 });
    expect(world.stored('customer-1')).toHaveLength(2);
  });

  it('is refused, and nothing of it written, when every sending is refused for its revision', async () => {
    await world.store.append('customer-1', 'no_stream', [event()]);
    faults.hangAppends();
    const append = world.store.append('customer-1', 'no_stream', events(2));
    await until(() => faults.appends.held === 2);
    faults.release();
    await expect(append).rejects.toBeInstanceOf(WrongExpectedRevision);
    expect(world.stored('customer-1')).toHaveLength(1);
  });

  it('is unknown when its sendings are refused in different ways, after which it may have been written', async () => {
    faults.hangAppends();
    const append = world.store.append('customer-1', 'no_stream', events(2));
    append.catch(() => undefined);
    await until(() => faults.appends.held === 2);
    faults.timeOutNextAppend();
    faults.refuseWithWrongRevision(10);
    faults.release();
    expect(await outcome(append)).toBe('unknown');
    expect(world.stored('customer-1')).toHaveLength(2);
  });
});

describe('An append to an EventStoreDB server whose clock is ahead', () => {
  it('is taken as any other, the one that names the log too', async () => {
    const world = await World.begin({});
    world.server.faults.clockAheadMs = 3 * 60 * 60_000;
    expect(await outcome(world.store.logId())).toBe('done');
    expect(await outcome(world.run())).toBe('done');
    await world.end();
  });
});
