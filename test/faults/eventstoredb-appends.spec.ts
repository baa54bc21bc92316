import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { openEventStoreDb } from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { event } from '../contracts/log-under-test.js';
import type { Faults } from '../support/eventstoredb-server/faults.js';
import { BUDGET_MS, outcome, PREFIXES, timed, until, World } from './eventstoredb-world.js';

/** What a machine that has other work may add to the time that something takes. */
const BUSY_MS = 1_000;
/** Of an answer for which no time-out had to pass. */
const AT_ONCE_MS = 5_000;

describe('An append on EventStoreDB', () => {
  let world: World;
  let faults: Faults;

  beforeEach(async () => {
    world = await World.begin();
    ({ faults } = world.server);
    await world.run();
  });
  afterEach(() => world.end());

  const expectStored = (count: number, stream?: string): void => {
    const stored = world.stored(stream);
    expect(stored.map(({ revision }) => revision)).toEqual([...Array(count).keys()]);
    expect(new Set(stored.map(({ id }) => id)).size).toBe(count);
  };

  it.each<[string, () => void]>([
    ['whose answer is lost with the connection', () => faults.loseNextAnswer()],
    ['whose answer never comes', () => faults.loseNextAnswer('silence')],
    ['whose connection drops before it is written', () => faults.dropMidAppend()],
    ['that the server says has timed out, though it was written', () => faults.timeOutNextAppend()],
    ['whose stream the server closes without an error', () => faults.closeAppendsCleanly()],
    ['that a node refuses because another leads', () => faults.notLeader()],
    ['that is refused at the right revision', () => faults.refuseWithWrongRevision(3)],
  ])('%s is done in the end, once, and answered within the budget', async (_, strike) => {
    strike();
    const command = world.run();
    expect(await timed(command)).toBeLessThan(BUDGET_MS);
    expect(await outcome(command)).toBe('done');
    expectStored(4);
    expect(await outcome(world.run())).toBe('done');
    expectStored(6);
  });

  it('that is struck twice, and then refused, is found to have been written', async () => {
    faults.loseNextAnswer('silence');
    faults.dropMidAppend();
    expect(await outcome(world.run())).toBe('done');
    expectStored(4);
  });

  it('that never gets its turn is answered at the end of the budget, and nothing is written', async () => {
    faults.refuseWithWrongRevision(10_000);
    // Unknown when the budget ends while the last try is under way.
    expect(['event_log unavailable', 'unknown']).toContain(await outcome(world.run({ budgetMs: 800 })));
    expectStored(2);
  });

  it('to a server that is not ready is unavailable at once, and nothing is written', async () => {
    const patient = world.open({ appendMs: 2 * AT_ONCE_MS });
    await patient.logId();
    faults.notReady();
    const append = patient.append(world.stream, 1, [event()]);
    expect(await timed(append)).toBeLessThan(AT_ONCE_MS);
    expect(await outcome(append)).toBe('event_log unavailable');
    expect(await outcome(world.run())).toBe('event_log unavailable');
    faults.notReady(false);
    expect(await outcome(world.run())).toBe('done');
    expectStored(4);
  });

  it.each(['not_ready', 'no_leader'] as const)(
    'that a node does not handle (%s) is known not to be written',
    async (why) => {
      faults.refuseNextAppend(why);
      expect(await outcome(world.store.append(world.stream, 1, [event()]))).toBe('event_log unavailable');
      expectStored(2);
    },
  );

  it('that hangs is unknown within the budget, and at most once in the log when the server wakes', async () => {
    faults.hangAppends();
    const command = world.run({ budgetMs: 1_500 });
    expect(await timed(command)).toBeLessThan(1_500 + BUSY_MS);
    expect(await outcome(command)).toBe('unknown');
    expectStored(2);
    expect(faults.appends.held).toBeGreaterThan(1);
    faults.release();
    await until(() => world.stored().length === 4);
    expect(await outcome(world.run())).toBe('done');
    expectStored(6);
  });

  it('whose stream cannot be read is unavailable', async () => {
    faults.hangReads();
    const command = world.run();
    expect(await timed(command)).toBeLessThan(500 + BUSY_MS);
    expect(await outcome(command)).toBe('event_log unavailable');
    expectStored(2);
  });

  it('while the server is down is answered within the budget, and done again when it is back', async () => {
    await world.server.wire.down();
    const first = Array.from({ length: 8 }, (_, n) => world.run({ stream: `customer-${n}`, budgetMs: 1_000 }));
    for (const command of first) {
      expect(await timed(command)).toBeLessThan(1_000 + BUSY_MS);
      expect(['event_log unavailable', 'unknown']).toContain(await outcome(command));
    }
    // Once the client knows that the server is away, nothing is sent any more, and nothing is unknown.
    expect(await outcome(world.store.append(world.stream, 1, [event()]))).toBe('event_log unavailable');
    await world.server.wire.up();
    expect(await outcome(world.run())).toBe('done');
    expectStored(4);
    for (let n = 0; n < 8; n += 1) expectStored(0, `customer-${n}`);
  });

  it('among many to a frozen server that then dies ends neither the process nor the others for ever', async () => {
    world.server.wire.freeze();
    const text = 'x'.repeat(40_000);
    const append = (n: number): Promise<unknown> =>
      world.store.append(`customer-${n}`, 'no_stream', [event({ text }), event({ text })]);
    const appends = Array.from({ length: 64 }, (_, n) => append(n));
    const settled = Promise.all(appends.map(outcome));
    // The client hands on what fits into the connection, and queues the rest.
    for (let n = 0; n < 20; n += 1) await turn();
    world.server.wire.cut();
    world.server.wire.thaw();
    for (const how of await settled) expect(['unknown', 'event_log unavailable']).toContain(how);
    for (let n = 0; n < 64; n += 1) expect([0, 2]).toContain(world.stored(`customer-${n}`).length);
    expect(await outcome(world.run())).toBe('done');
  });

  it('that was given up leaves its late answer to nobody', async () => {
    const other = world.open();
    await other.append('customer-other', 'no_stream', [event()]);
    faults.hangAppends();
    const append = outcome(world.store.append(world.stream, 1, [event()]));
    await until(() => faults.appends.held === 1);
    // The client keeps one table of what is under way for the whole process, and empties it when any stream breaks.
    await other.close();
    expect(await append).toBe('unknown');
    faults.release();
    await until(() => world.stored().length === 3);
    expect(await outcome(world.store.append(world.stream, 2, [event()]))).toBe('done');
  });

  it('is acknowledged by what is in the log, once each, however often the connection is cut', async () => {
    const acknowledged: string[] = [];
    let running = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let done = 0; done < 12 && running;) {
        // Long enough to find out, also on a busy machine.
        const command = world.run({ stream: `customer-${writer}`, budgetMs: 30_000 });
        const how = await outcome(command);
        expect(how).not.toBe('unknown');
        // As a caller does: what is unavailable was not done, and is asked for again.
        if (how !== 'done') continue;
        done += 1;
        acknowledged.push(...(await command).appended.map(({ id }) => id));
      }
    });
    const cutting = (async () => {
      for (let seen = 0; running; seen = acknowledged.length) {
        await until(() => acknowledged.length >= seen + 20 || !running);
        if (acknowledged.length % 3 === 0) faults.loseNextAnswer();
        else world.server.wire.cut();
      }
    })();
    try {
      await Promise.all(writers);
    } finally {
      running = false;
      await cutting;
    }
    for (let writer = 0; writer < 8; writer += 1) expectStored(24, `customer-${writer}`);
    expect(new Set(acknowledged).size).toBe(192);
    expect(acknowledged).toHaveLength(192);
  });

  it('to a stream that an operator has deleted for good is damage at once, and others go on', async () => {
    world.server.log.tombstone(world.stream);
    expect(await outcome(world.store.read(world.stream))).toBe('StreamDamaged');
    const append = world.open({ appendMs: 2 * AT_ONCE_MS }).append(world.stream, 1, [event()]);
    expect(await timed(append)).toBeLessThan(AT_ONCE_MS);
    expect(await outcome(append)).toBe('StreamDamaged');
    expect(await outcome(world.run({ stream: 'customer-2' }))).toBe('done');
  });

  it('after the store was closed is unavailable', async () => {
    const store = world.open();
    await store.close();
    expect(await outcome(store.append(world.stream, 1, [event()]))).toBe('event_log unavailable');
    expect(await outcome(store.read(world.stream))).toBe('event_log unavailable');
    expect(await outcome(store.health())).toBe('event_log unavailable');
  });

  it('that the server could not read is refused before it is sent', async () => {
    const refused = async (stream: string, id: string, type = 'Happened'): Promise<string> =>
      outcome(world.store.append(stream, 'no_stream', [{ ...event(), id, type }]));
    expect(await refused('', randomUUID())).toBe('RangeError');
    expect(await refused('customer-2', 'no-uuid')).toBe('RangeError');
    expect(await refused('customer-2', randomUUID(), '')).toBe('RangeError');
    expect(await outcome(world.store.append('customer-2', 'no_stream', []))).toBe('RangeError');
    expectStored(0, 'customer-2');
  });
});

describe('The EventStoreDB adapter', () => {
  let world: World;
  afterEach(() => world.end());

  it('with the time-outs of the service answers a command within 4 s when nothing answers', async () => {
    world = await World.begin({});
    await world.run();
    world.server.faults.hangAppends();
    const command = world.run();
    expect(await timed(command)).toBeLessThan(BUDGET_MS);
    expect(await outcome(command)).toBe('unknown');
  });

  it('tells its health truly and within its time', async () => {
    world = await World.begin();
    const { faults, wire } = world.server;
    await world.store.health();
    faults.hangReads();
    expect(await timed(world.store.health())).toBeLessThan(500 + BUSY_MS);
    await expect(world.store.health()).rejects.toBeInstanceOf(StoreUnavailable);
    faults.release();
    faults.notReady();
    await expect(world.store.health()).rejects.toBeInstanceOf(StoreUnavailable);
    faults.notReady(false);
    await world.store.health();
    await wire.down();
    await expect(world.store.health()).rejects.toBeInstanceOf(StoreUnavailable);
    await wire.up();
    await world.store.health();
  });
});

describe('Opening an EventStoreDB log', () => {
  it.each(['esdb://admin:secret@', 'http://admin:secret@host', 'admin:secret', ''])(
    'does not repeat a URL that it cannot read: %s',
    (url) => {
      const open = (): unknown => openEventStoreDb({ url, prefixes: PREFIXES });
      expect(open).toThrow(RangeError);
      expect(open).toThrow(/^((?!secret).)*$/);
    },
  );

  it.each(['*', 'esdb:*', 'esdb', 'app, esdb:connection', 'es*'])('does not start where DEBUG is %s', (debug) => {
    const open = (): unknown => openEventStoreDb({ url: 'esdb://localhost:2113?tls=false', prefixes: PREFIXES, debug });
    expect(open).toThrow('DEBUG must not name esdb');
  });
});
