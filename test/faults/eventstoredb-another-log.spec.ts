import { jest } from '@jest/globals';
import { AnotherLog, OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { events } from '../contracts/log-under-test.js';
import type { LogBackup, RecordedLog } from '../support/eventstoredb-server/recorded-log.js';
import { outcome, SHORT, untilDone, World } from './eventstoredb-world.js';

/** What a call was refused with; undefined when it was done. */
const refusal = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('A log that is exchanged under the running service', () => {
  let world: World;
  let early: LogBackup;

  beforeEach(async () => {
    world = await World.begin({});
    await world.store.logId();
    await world.run();
    early = world.server.log.backUp();
    await world.run({ stream: 'customer-later' });
  });
  afterEach(() => world.end());

  const everyCall = (n: number): Promise<unknown>[] => [
    refusal(world.store.append(`customer-new-${n}`, 'no_stream', events(1))),
    refusal(world.store.append(world.stream, 1, events(1))),
    refusal(world.store.read(world.stream)),
    refusal(world.store.head()),
    refusal(world.store.end()),
  ];
  const restoreEarly = (log: RecordedLog): void => log.restore(early);
  const restoreAndGrow = (log: RecordedLog): void => {
    log.restore(early);
    for (let n = 0; n < 50; n += 1) log.writeSystemEvent();
  };
  const wipe = (log: RecordedLog): void => log.wipe();

  const exchanges: [string, (log: RecordedLog) => void][] = [
    ['put back to an earlier state', restoreEarly],
    ['put back to an earlier state and written to since', restoreAndGrow],
    ['wiped', wipe],
  ];

  describe.each(exchanges)('%s', (_, change) => {
    it.each<[string, () => Promise<void>]>([
      ['while the server was stopped', () => world.server.restartWith(change)],
      [
        'while only the connections broke',
        async () => {
          world.server.wire.cut();
          change(world.server.log);
        },
      ],
    ])('%s takes no append and answers no read, from the first call on', async (__, strike) => {
      await strike();
      const before = world.server.log.records.length;
      // What goes out on the broken connection, before its end is known here, is lost on the way.
      const first = await Promise.all(Array.from({ length: 20 }, (___, n) => everyCall(n)).flat());
      expect(first.filter((error) => !(error instanceof StoreUnavailable || error instanceof OutcomeUnknown))).toEqual(
        [],
      );
      const second = await Promise.all(everyCall(20));
      expect(second).toEqual(second.map(() => expect.any(AnotherLog)));
      expect(world.server.log.records).toHaveLength(before);
      expect(world.store.anotherLog?.message).toMatch(/^The event log is another log than/);
      expect(await refusal(world.store.health())).toBeInstanceOf(AnotherLog);
      expect(await world.follow().ended).toBeInstanceOf(AnotherLog);
    });
  });

  it('is noticed by a client that had nothing under way when its connection broke', async () => {
    const idle = [world.open(), world.open()];
    for (const store of idle) {
      await store.logId();
      await store.read('customer-later');
    }
    const followed = await world.follow().untilCaughtUp();
    await world.server.restartWith(restoreEarly);
    // By then the others know that their connections are gone, too.
    expect(await followed.ended).toBeInstanceOf(AnotherLog);
    expect(await refusal(idle[0]!.append('customer-new', 'no_stream', events(1)))).toBeInstanceOf(AnotherLog);
    expect(await refusal(idle[1]!.read(world.stream))).toBeInstanceOf(AnotherLog);
    expect(world.stored('customer-new')).toEqual([]);
  });

  it('is worked with again, without a restart, once the right log is back', async () => {
    const followed = await world.follow().untilEvents(4);
    const whole = world.server.log.backUp();
    await world.server.restartWith(restoreEarly);
    expect(await followed.ended).toBeInstanceOf(AnotherLog);
    await world.server.restartWith((log) => log.restore(whole));
    await untilDone(() => world.run());
    expect(world.store.anotherLog).toBeUndefined();
    await world.follow().untilEvents(6);
  });

  it('is asked about once a second while it is another one, however many ask', async () => {
    await world.server.restartWith(restoreEarly);
    while (!((await refusal(world.store.health())) instanceof AnotherLog));
    const asked = jest.spyOn(world.server.faults.reads, 'pass');
    const due = performance.now() + 2_000;
    while (performance.now() < due) {
      await Promise.all(Array.from({ length: 20 }, () => refusal(world.store.read(world.stream))));
    }
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(1);
    expect(asked.mock.calls.length).toBeLessThanOrEqual(3 * 4);
  });

  it('is noticed by the check of the health where a proxy hides that the connection broke', async () => {
    world.server.log.restore(early);
    expect(await refusal(world.store.health())).toBeInstanceOf(AnotherLog);
    expect(await refusal(world.store.append('customer-new', 'no_stream', events(1)))).toBeInstanceOf(AnotherLog);
    expect(world.stored('customer-new')).toEqual([]);
  });

  it('is told from a checkpoint alone', async () => {
    const [, last] = await world.store.read('customer-later');
    const { stream, revision, id, position } = last!;
    const other = world.open();
    await other.logId();
    other.expect(position, { stream, revision, eventId: id });
    await world.server.restartWith(restoreAndGrow);
    expect(await refusal(other.append('customer-new', 'no_stream', events(1)))).toBeInstanceOf(AnotherLog);
  });
});

describe('A log that is the same after a reconnection', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.begin({});
    await world.store.logId();
    for (const n of [1, 2, 3]) await world.run({ stream: `customer-${n}` });
  });
  afterEach(() => world.end());

  it('costs one small read', async () => {
    const asked = jest.spyOn(world.server.faults.reads, 'pass');
    await world.server.restart();
    await untilDone(() => world.store.append('customer-new', 'no_stream', events(1)));
    expect(asked).toHaveBeenCalledTimes(1);
    await world.store.append('customer-another', 'no_stream', events(1));
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it.each<[string, (log: RecordedLog) => void]>([
    ['tombstoned', (log) => log.tombstone('customer-3')],
    ['deleted', (log) => log.softDelete('customer-3')],
    [
      'tombstoned and scavenged',
      (log) => {
        log.tombstone('customer-3');
        log.scavenge();
      },
    ],
    [
      'deleted and scavenged, as all that was known,',
      (log) => {
        for (const n of [1, 2, 3]) log.softDelete(`customer-${n}`);
        log.scavenge();
      },
    ],
  ])('is no other log when the newest stream was %s meanwhile', async (_, change) => {
    await world.server.restartWith(change);
    await untilDone(() => world.store.append('customer-new', 'no_stream', events(1)));
    expect(world.store.anotherLog).toBeUndefined();
  });

  it('is out of reach, and no other log, while the question gets no answer', async () => {
    const store = world.open(SHORT);
    await store.logId();
    await store.read('customer-3');
    world.server.faults.hangReads();
    await world.server.restart();
    await refusal(store.head());
    const error = await refusal(store.append('customer-new', 'no_stream', events(1)));
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(error).not.toBeInstanceOf(AnotherLog);
    expect(world.stored('customer-new')).toEqual([]);
    world.server.faults.release();
    await untilDone(() => store.append('customer-new', 'no_stream', events(1)));
  });

  it('is asked again when another node leads', async () => {
    world.server.faults.notLeader(2);
    world.server.wire.cut();
    await untilDone(() => world.store.append('customer-new', 'no_stream', events(1)));
    expect(await outcome(world.store.health())).toBe('done');
  });
});
