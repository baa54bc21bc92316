import { HeldLease } from '../../src/event-sourcing/held-lease.js';
import { LogFollower, type LogHandler } from '../../src/event-sourcing/log-follower.js';
import { type Projecting, ReadGate } from '../../src/event-sourcing/read-gate.js';
import { AnotherLog, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { MemoryCheckpoints } from './kernel-checkpoints.js';
import { draft, expectedBy, following, HandClock, until } from './kernel-faulty-log.js';
import { MemoryLog } from './kernel-log.js';

/** Can be out of reach. */
class FarCheckpoints extends MemoryCheckpoints {
  away = false;
  renewals = 0;

  override async renew(...args: Parameters<MemoryCheckpoints['renew']>): Promise<boolean> {
    this.renewals += 1;
    if (this.away) throw new StoreUnavailable('read_model');
    return super.renew(...args);
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

class Log extends MemoryLog {
  away = false;
  heads = 0;
  exchanged: AnotherLog | undefined;

  override get anotherLog(): AnotherLog | undefined {
    return this.exchanged;
  }

  override async head(): ReturnType<MemoryLog['head']> {
    this.heads += 1;
    if (this.away) throw new StoreUnavailable('event_log');
    return super.head();
  }

  async write(): Promise<void> {
    const events = following('customer-1', this.stream('customer-1').at(-1), [draft('Happened')]);
    await this.append('customer-1', expectedBy(events), events);
  }
}

describe('A held lease', () => {
  const TTL_MS = 900;
  let checkpoints: FarCheckpoints;
  let held: HeldLease;

  beforeEach(async () => {
    checkpoints = new FarCheckpoints();
    const taken = await HeldLease.take(checkpoints, 'views', 'one', TTL_MS);
    if (taken === undefined) throw new Error('The lease was free');
    held = taken;
  });
  afterEach(() => held.release());

  it('is kept as long as it can be renewed', async () => {
    await until(() => checkpoints.renewals >= 6);
    expect(held.lost.aborted).toBe(false);
  });

  it('is over for its holder before it is for the others, when it can not be renewed', async () => {
    checkpoints.away = true;
    const since = performance.now();
    await until(() => held.lost.aborted);
    expect(performance.now() - since).toBeLessThan(TTL_MS);
  });

  it('outlives a store that is back in time', async () => {
    checkpoints.away = true;
    await until(() => checkpoints.renewals >= 1);
    checkpoints.away = false;
    await until(() => checkpoints.renewals >= 6);
    expect(held.lost.aborted).toBe(false);
  });

  it('is over once another has it', async () => {
    checkpoints.expire('views');
    await checkpoints.acquire('views', 'another');
    await until(() => held.lost.aborted);
    await held.release();
    expect(checkpoints.holderOf('views')).toBe('another');
  });
});

describe('An instance that only watches', () => {
  it('knows how far the follower elsewhere has come, and never takes its place', async () => {
    const [log, checkpoints, clock] = [new Log(), new MemoryCheckpoints(), new HandClock()];
    const handler: LogHandler = {
      name: 'views',
      prefixes: ['customer-'],
      checkpointName: () => Promise.resolve('views@1'),
      handle: () => Promise.resolve(),
    };
    const parts = { store: log, checkpoints, handler, clock, log: { warn: () => undefined, error: () => undefined } };
    const worker = new LogFollower({ ...parts, owner: 'worker' });
    const watcher = new LogFollower({ ...parts, owner: 'watcher', watchOnly: true });
    await log.write();
    const [head] = log.events;
    if (head === undefined) throw new Error('The log is empty');
    watcher.start();
    await until(() => watcher.status.state === 'waiting');
    watcher.observe(head.position);
    clock.time += 5_000;
    expect(watcher.status).toMatchObject({ holdsLease: false, lagEvents: 1, lagMs: 5_000 });
    worker.start();
    await watcher.reached(head.position);
    watcher.observe(head.position);
    expect(watcher.status).toMatchObject({ lagEvents: 0, lagMs: 0 });
    await worker.stop();
    expect(checkpoints.holderOf('views')).toBeUndefined();
    await watcher.stop();
    expect(checkpoints.holderOf('views')).toBeUndefined();
  });
});

describe('The gate before the views', () => {
  let log: Log;
  let views: { interruptions: number };
  let handled: number;
  let projector: Writable<Projecting>;
  let gate: ReadGate;
  beforeEach(() => {
    [log, views, handled] = [new Log(), { interruptions: 0 }, 0];
    projector = {
      hasReached: (position) => handled >= Number(position),
      setbacks: 0,
      recheck: () => Promise.resolve(),
    };
    gate = new ReadGate(log, views, projector);
  });

  it('is open as long as nothing was missed, and then does not look at the log', async () => {
    await log.write();
    await gate.pass();
    expect(log.heads).toBe(0);
  });

  it('is shut until the projector has passed a write that the views lack', async () => {
    await log.write();
    for (const { position } of log.events) gate.closeUntil(position);
    await expect(gate.pass()).rejects.toThrow(new StoreUnavailable('read_model'));
    handled = 1;
    await gate.pass();
    expect(gate.isClosed).toBe(false);
  });

  it('is shut after a break until the projector has passed the head seen since, once for all who ask', async () => {
    await log.write();
    await log.write();
    views.interruptions += 1;
    const asked = await Promise.allSettled([gate.pass(), gate.pass(), gate.pass()]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(log.heads).toBe(1);
    handled = 1;
    await expect(gate.pass()).rejects.toThrow(StoreUnavailable);
    handled = 2;
    await gate.pass();
    await log.write();
    await gate.pass();
    expect(log.heads).toBe(1);
  });

  it('looks again when the way broke while it looked', async () => {
    await log.write();
    handled = 2;
    views.interruptions += 1;
    const passing = gate.pass();
    views.interruptions += 1;
    await passing;
    expect(log.heads).toBe(2);
  });

  it('has read again what was read while the way broke', async () => {
    await log.write();
    handled = 1;
    const read = gate.through(async () => {
      const before = views.interruptions;
      if (before === 0) views.interruptions += 1;
      return `read after ${before} breaks`;
    });
    await expect(read).resolves.toBe('read after 1 breaks');
    await log.write();
    const refused = gate.through(async () => {
      views.interruptions += 1;
    });
    await expect(refused).rejects.toThrow(StoreUnavailable);
  });

  it('has looked for again what was not found while the way broke', async () => {
    const read = gate.through(async () => {
      if (views.interruptions > 0) return 'found';
      views.interruptions += 1;
      throw new RangeError('Not found');
    });
    await expect(read).resolves.toBe('found');
    await expect(gate.through(() => Promise.reject(new RangeError('Not found')))).rejects.toThrow(RangeError);
  });

  it('is shut after the views were restored from a backup, until the projector has passed the head again', async () => {
    await log.write();
    handled = 0;
    projector.setbacks += 1;
    await expect(gate.pass()).rejects.toThrow(new StoreUnavailable('read_model'));
    handled = 1;
    await gate.pass();
  });

  it('learns behind a connection that broke whether the views were restored', async () => {
    await log.write();
    handled = 1;
    projector.recheck = async () => {
      [handled, projector.setbacks] = [0, 1];
    };
    views.interruptions += 1;
    await expect(gate.pass()).rejects.toThrow(new StoreUnavailable('read_model'));
    handled = 1;
    await gate.pass();
  });

  it('lets nobody read views of another log', async () => {
    log.exchanged = new AnotherLog('it has another identity');
    await expect(gate.through(() => Promise.resolve('read'))).rejects.toBe(log.exchanged);
    log.exchanged = undefined;
    await expect(gate.through(() => Promise.resolve('read'))).resolves.toBe('read');
  });

  it('stays shut while the log can not tell where it ends', async () => {
    views.interruptions += 1;
    log.away = true;
    await expect(gate.pass()).rejects.toThrow(new StoreUnavailable('event_log'));
    log.away = false;
    await gate.pass();
  });
});
