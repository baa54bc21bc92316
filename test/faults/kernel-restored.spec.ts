import type { Checkpoint } from '../../src/event-sourcing/checkpoints.js';
import type {
  Position,
  RecordedEvent,
  SubscribeOptions,
  SubscriptionMessage,
} from '../../src/event-sourcing/event-store.js';
import { type FollowerParts, LogFollower } from '../../src/event-sourcing/log-follower.js';
import { AnotherLog } from '../../src/event-sourcing/store-errors.js';
import { MemoryCheckpoints } from './kernel-checkpoints.js';
import { HandClock, until } from './kernel-faulty-log.js';
import { DroppingLog, Handler, NAME } from './kernel-following.js';

let log: DroppingLog;
let checkpoints: MemoryCheckpoints;
let lines: string[];
let started: LogFollower[];

beforeEach(() => {
  [log, checkpoints, lines, started] = [new DroppingLog(), new MemoryCheckpoints(), [], []];
});
afterEach(() => Promise.all(started.map((follower) => follower.stop())));

function follow(handler: Handler, parts: Partial<FollowerParts> = {}): LogFollower {
  const write = (message: string): void => void lines.push(message);
  const follower = new LogFollower({
    ...{ store: log, checkpoints, handler, owner: 'one', clock: new HandClock(), log: { warn: write, error: write } },
    ...parts,
  });
  started.push(follower);
  follower.start();
  return follower;
}

const positionsOf = (events: readonly RecordedEvent[]): readonly number[] =>
  events.map(({ position }) => Number(position));

describe('A database that is restored to an earlier state while its follower runs', () => {
  const KEY = `${NAME}@1`;
  const early: Checkpoint = { logId: 'log', position: '2' as Position };
  let handler: Handler;
  let follower: LogFollower;

  beforeEach(async () => {
    handler = new Handler();
    follower = follow(handler);
    await log.write('customer-1', 5);
    await until(() => checkpoints.saved.get(KEY)?.position === '5');
    handler.handled.length = 0;
  });

  it('is noticed though nothing happens, and what came since is handled again', async () => {
    checkpoints.saved.set(KEY, early);
    await until(() => handler.handled.length === 3);
    expect(positionsOf(handler.handled)).toEqual([3, 4, 5]);
    await until(() => checkpoints.saved.get(KEY)?.position === '5');
    expect(follower).toMatchObject({ setbacks: 1, isSetBack: false });
    const what = `${NAME} goes on from an earlier checkpoint: its database was restored`;
    expect(lines).toEqual([what, `${what}: resolved`]);
  });

  it('never gets a newer checkpoint over the events that it lacks', async () => {
    checkpoints.saved.set(KEY, early);
    await log.write('customer-2', 1);
    await until(() => checkpoints.saved.get(KEY)?.position === '6');
    expect(positionsOf(handler.handled)).toEqual(expect.arrayContaining([3, 4, 5, 6]));
  });

  it('has nothing said to be reached before it is handled again', async () => {
    const { calls } = handler;
    let letGo: () => void = () => undefined;
    handler.before = () => new Promise((resolve) => (letGo = resolve));
    checkpoints.saved.delete(KEY);
    await follower.recheck();
    expect(follower.hasReached('1' as Position)).toBe(false);
    expect(follower).toMatchObject({ setbacks: 1, isSetBack: true });
    await until(() => handler.calls > calls);
    expect(follower.isSetBack).toBe(true);
    handler.before = () => Promise.resolve();
    letGo();
    await follower.reached('5' as Position);
    expect(follower.isSetBack).toBe(false);
    expect(positionsOf(handler.handled)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is noticed by the one that only watches', async () => {
    const watcher = follow(new Handler(), { owner: 'other', watchOnly: true });
    await watcher.reached('5' as Position);
    await follower.stop();
    checkpoints.saved.set(KEY, early);
    await until(() => watcher.setbacks === 1);
    expect(watcher.hasReached('5' as Position)).toBe(false);
    checkpoints.saved.set(KEY, { ...early, position: '5' as Position });
    await watcher.reached('5' as Position);
  });
});

describe('A log that is another one', () => {
  class ExchangedLog extends DroppingLog {
    exchanged: AnotherLog | undefined;

    override get anotherLog(): AnotherLog | undefined {
      return this.exchanged;
    }

    override async *subscribe(options: SubscribeOptions): AsyncGenerator<SubscriptionMessage> {
      try {
        yield* super.subscribe(options);
      } catch (error) {
        throw this.exchanged ?? error;
      }
    }
  }

  it('suspends its followers, which is no failure of theirs, until the right one is back', async () => {
    const exchanged = new ExchangedLog();
    log = exchanged;
    const follower = follow(new Handler());
    await log.write('customer-1', 1);
    await follower.reached((await log.head())!);
    exchanged.exchanged = new AnotherLog('it has another identity');
    log.drop();
    await until(() => follower.status.state === 'suspended');
    expect(checkpoints.holderOf(NAME)).toBeUndefined();
    exchanged.exchanged = undefined;
    await log.write('customer-1', 1);
    await follower.reached((await log.head())!);
    expect(follower.status).toMatchObject({ state: 'following', restarts: 0 });
    expect(lines).toEqual([]);
  });
});
