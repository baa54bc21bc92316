import { jest } from '@jest/globals';
import type { SubscriptionMessage } from '../../src/event-sourcing/event-store.js';
import { AnotherLog, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import type { Followed } from '../contracts/followed.js';
import { event, events } from '../contracts/log-under-test.js';
import type { Faults } from '../support/eventstoredb-server/faults.js';
import { outcome, SHORT, until, untilDone, World } from './eventstoredb-world.js';

describe('A subscription to EventStoreDB', () => {
  let world: World;
  let faults: Faults;

  beforeEach(async () => {
    world = await World.begin({});
    ({ faults } = world.server);
  });
  afterEach(() => world.end());

  /** What the server has, in log order, and that is all of it, once. */
  const expectAll = async (followed: Followed): Promise<void> => {
    const stored = world.server.log.records.filter(({ stream }) => stream.startsWith('customer-'));
    await followed.untilEvents(stored.length);
    expect(followed.events.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
  };

  it.each<[string, () => unknown]>([
    ['is killed', () => faults.killSubscriptions()],
    ['is reset, which the client tells by an error alone', () => faults.resetSubscriptions()],
    ['is ended without an error', () => faults.endSubscriptionsCleanly()],
    ['loses its connection', () => world.server.wire.cut()],
    ['sees the server restart', () => world.server.restart()],
    [
      'is told that another node leads',
      () => {
        faults.notLeader();
        faults.killSubscriptions();
      },
    ],
  ])('resumes by itself when it %s, and sees every event once and in order', async (_, strike) => {
    await world.run();
    const followed = await world.follow().untilCaughtUp();
    await world.run({ stream: 'customer-2' });
    await followed.untilEvents(4);
    await strike();
    const dropped = until(() => world.store.subscriptionRestarts === 1);
    await untilDone(() => world.run());
    await dropped;
    await followed.untilEvents(6);
    await world.run();
    await expectAll(followed);
    expect(world.store.subscriptionRestarts).toBe(1);
  });

  it('tries again while the server is not ready', async () => {
    const followed = await world.follow().untilCaughtUp();
    faults.notReady();
    faults.killSubscriptions();
    const refused = jest.spyOn(faults, 'refusal');
    await until(() => refused.mock.calls.length >= 4);
    faults.notReady(false);
    await world.run();
    await expectAll(followed);
  });

  it('that is killed in the midst of what was there resumes behind what it gave', async () => {
    for (let n = 0; n < 5; n += 1) await world.store.append(`customer-${n}`, 'no_stream', events(100));
    for (const after of [1, 17, 250]) {
      faults.killSubscriptionAfter(after);
      await expectAll(world.follow());
    }
    expect(world.store.subscriptionRestarts).toBe(3);
  });

  it('sees everything once while it is dropped again and again under many writers', async () => {
    const followed = world.follow();
    const writing = Array.from({ length: 6 }, async (_, writer) => {
      for (let n = 0; n < 20; n += 1) await untilDone(() => world.run({ stream: `customer-${writer}` }));
    });
    const kinds = [
      () => faults.killSubscriptions(),
      () => faults.endSubscriptionsCleanly(),
      () => faults.resetSubscriptions(),
      () => world.server.wire.cut(),
    ];
    for (const [n, strike] of kinds.entries()) {
      await followed.until(({ events: seen }) => seen.length >= (n + 1) * 40);
      strike();
    }
    await Promise.all(writing);
    await expectAll(followed);
    expect(world.store.subscriptionRestarts).toBeGreaterThanOrEqual(4);
  });

  it('gives a slow consumer no mark before the events ahead of it, though the server sends marks early', async () => {
    faults.earlyMarks();
    await world.store.append(world.stream, 'no_stream', events(300));
    let reached = 0n;
    let seen = 0;
    for await (const message of world.store.subscribe({ signal: new AbortController().signal })) {
      // Slow: whatever can come in meanwhile, does.
      await new Promise((resolve) => setImmediate(resolve));
      if (message.kind === 'caught_up') break;
      const position = commitOf(message);
      if (message.kind === 'event') {
        expect(position > reached).toBe(true);
        seen += 1;
      } else {
        expect(position).toBe(reached);
      }
      reached = position;
    }
    expect(seen).toBe(300);
  });

  it('passes over what the server wrote, in its own streams too', async () => {
    await world.run();
    const head = await world.store.head();
    const followed = await world.follow().untilCaughtUp();
    world.server.log.tombstone(world.stream);
    await followed.until(({ messages }) => messages.at(-1)?.kind === 'checkpoint');
    expect(followed.events).toHaveLength(2);
    expect(await world.store.head()).toBe(head);
    expect(world.store.comparePositions((await world.store.end())!, head!)).toBeGreaterThan(0);
    await world.run({ stream: 'customer-2' });
    await followed.untilEvents(4);
    expect(followed.events.map(({ type }) => type)).toEqual(Array(4).fill('Happened'));
  });

  it('follows every stream of the service and no other, when it names none', async () => {
    await world.store.append('other-1', 'no_stream', [event()]);
    await world.store.append('source-1', 'no_stream', [event()]);
    await world.store.append('customer-1', 'no_stream', [event()]);
    const seen: string[] = [];
    for await (const message of world.store.subscribe({ signal: new AbortController().signal })) {
      if (message.kind === 'event') seen.push(message.event.stream);
      if (message.kind === 'caught_up') break;
    }
    expect(seen).toEqual(['source-1', 'customer-1']);
  });

  it('outlives an outage, and fails when that lasts too long', async () => {
    const impatient = world.open({ ...SHORT, outageMs: 400 });
    await world.run();
    const [patient, other] = [world.follow(), world.follow(undefined, impatient)];
    await Promise.all([patient.untilEvents(2), other.untilEvents(2)]);
    await world.server.wire.down();
    expect(await other.ended).toBeInstanceOf(StoreUnavailable);
    await world.server.wire.up();
    await untilDone(() => world.run());
    await expectAll(patient);
  });

  it('that the server never confirms is begun again', async () => {
    const store = world.open();
    await world.run();
    await store.logId();
    const silence = new Promise<void>(() => undefined);
    // The first read looks which log it is, the second is the subscription.
    jest.spyOn(faults.reads, 'pass').mockResolvedValueOnce().mockReturnValueOnce(silence);
    await expectAll(world.follow(undefined, store));
  });

  it('is over for the server as soon as its consumer leaves, however it leaves', async () => {
    await world.run();
    const none = (): Promise<void> => until(() => faults.subscriptions.size === 0);
    const end = new AbortController();
    const leave = async (how: () => 'break' | 'go on'): Promise<void> => {
      for await (const message of world.store.subscribe({ signal: end.signal })) {
        expect(message.kind).toBe('event');
        if (how() === 'break') break;
      }
    };
    await leave(() => 'break');
    await none();
    const failing = leave(() => {
      throw new Error('The consumer failed');
    });
    await expect(failing).rejects.toThrow('The consumer failed');
    await none();
    await leave(() => {
      end.abort();
      return 'go on';
    });
    await none();
    const waiting = world.store.subscribe({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    while ((await waiting.next()).value?.kind !== 'caught_up');
    expect(faults.subscriptions.size).toBe(1);
    const next = waiting.next();
    await waiting.return?.();
    expect((await next).done).toBe(true);
    await none();
  });

  it('ends with the store', async () => {
    const store = world.open();
    await world.run();
    const followed = await world.follow(undefined, store).untilCaughtUp();
    await store.close();
    expect(await followed.ended).toBeInstanceOf(StoreUnavailable);
  });

  it('fails with the store while it catches up, and does not end as if it had', async () => {
    const store = world.open();
    await world.store.append(world.stream, 'no_stream', events(300));
    let seen = 0;
    const following = (async () => {
      for await (const { kind } of store.subscribe({ signal: new AbortController().signal })) {
        seen += 1;
        if (seen === 10) await store.close();
        if (kind === 'caught_up') return;
      }
    })();
    expect(await outcome(following)).toBe('event_log unavailable');
  });

  it('asks the node that leads, so that what it has caught up with is the whole log', async () => {
    const { byAnyNode } = world.server.sent;
    await world.run();
    await (await world.follow().untilCaughtUp()).untilEvents(2);
    await world.store.head();
    await world.store.read(world.stream);
    expect(world.server.sent.byAnyNode).toBe(byAnyNode);
  });

  it('moves to a new client when the old one has failed again and again', async () => {
    const store = world.open();
    await world.run();
    const followed = await world.follow(undefined, store).untilCaughtUp();
    faults.hangAppends();
    const appends = Array.from({ length: 5 }, () => outcome(store.append('customer-2', 'no_stream', [event()])));
    expect(await Promise.all(appends)).toEqual(Array(5).fill('unknown'));
    await until(() => store.subscriptionRestarts === 1);
    faults.release();
    await world.run();
    await expectAll(followed);
  });
});

describe('The identity of a log on EventStoreDB', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.begin({});
  });
  afterEach(() => world.end());

  it('is given once, by whoever comes first', async () => {
    const stores = [world.store, world.open(), world.open(), world.open()];
    world.server.faults.loseNextAnswer();
    const ids = await Promise.all(stores.map((store) => store.logId().catch(() => store.logId())));
    expect(new Set(ids).size).toBe(1);
    expect(world.server.log.records.filter(({ stream }) => stream === 'customers-log')).toHaveLength(1);
  });

  it('is found to be another after the log was wiped, by whoever asks anew, and nothing is written there', async () => {
    await world.run();
    const id = await world.store.logId();
    const followed = await world.follow().untilCaughtUp();
    world.server.faults.wipe();
    expect(await followed.ended).toBeInstanceOf(AnotherLog);
    expect(await outcome(world.store.health())).toBe('event_log unavailable');
    expect(await world.follow().ended).toBeInstanceOf(AnotherLog);
    expect(await outcome(world.store.append('customer-2', 'no_stream', [event()]))).toBe('event_log unavailable');
    expect(world.stored('customer-2')).toEqual([]);
    const other = world.open();
    expect(await other.logId()).not.toBe(id);
    expect(await outcome(world.store.health())).toBe('event_log unavailable');
  });

  it('is the same in a copy from before, whose end then lies before what was seen', async () => {
    await world.run();
    await world.store.logId();
    const early = world.server.log.records.length;
    const followed = world.follow();
    await world.run();
    await followed.untilEvents(4);
    world.server.faults.restoreBackup(early);
    expect(await followed.ended).toBeInstanceOf(AnotherLog);
    expect(await outcome(world.store.read(world.stream))).toBe('event_log unavailable');
  });
});

describe('The head of a log on EventStoreDB', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.begin({});
  });
  afterEach(() => world.end());

  it('is the newest event of the service, and its end the newest of anybody', async () => {
    expect(await world.store.head()).toBeUndefined();
    const { position } = await world.store.append('customer-1', 'no_stream', events(2));
    const foreign = await world.store.append('other-1', 'no_stream', events(450));
    expect(await world.store.head()).toBe(position);
    expect(await world.store.end()).toBe(foreign.position);
    world.server.log.writeSystemEvent();
    expect(await world.store.head()).toBe(position);
    expect(world.store.comparePositions((await world.store.end())!, foreign.position)).toBeGreaterThan(0);
  });

  it('is about as many events away as there are', async () => {
    for (let n = 0; n < 4; n += 1) await world.store.append(`customer-${n}`, 'no_stream', events(250));
    const followed = await world.follow().untilEvents(1_000);
    const head = (await world.store.head())!;
    const between = world.store.eventsBetween(followed.events[499]!.position, head);
    expect(between).toBeGreaterThan(400);
    expect(between).toBeLessThan(600);
    expect(world.store.eventsBetween(head, head)).toBe(0);
    expect(world.store.eventsBetween(undefined, head)).toBeGreaterThan(800);
  });
});

const commitOf = (message: Exclude<SubscriptionMessage, { kind: 'caught_up' }>): bigint => {
  const position = message.kind === 'event' ? message.event.position : message.position;
  return BigInt(position.split('/')[0]!);
};
