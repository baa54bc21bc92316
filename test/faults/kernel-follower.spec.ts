import fc from 'fast-check';
import { readMetadata } from '../../src/event-sourcing/envelope.js';
import type { Position, RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { verifyCheckpoint } from '../../src/event-sourcing/checkpoint-verification.js';
import { LogFollower, type LogHandler, UnknownEventType } from '../../src/event-sourcing/log-follower.js';
import { LogMismatch, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { MemoryCheckpoints } from './kernel-checkpoints.js';
import { HandClock, until } from './kernel-faulty-log.js';
import { DroppingLog, Handler, NAME } from './kernel-following.js';

let log: DroppingLog;
let checkpoints: MemoryCheckpoints;
let started: LogFollower[];

beforeEach(() => {
  log = new DroppingLog();
  checkpoints = new MemoryCheckpoints();
  started = [];
});
afterEach(() => Promise.all(started.map((follower) => follower.stop())));

const followerOf = (handler: LogHandler, owner: string): LogFollower =>
  new LogFollower({
    store: log,
    checkpoints,
    handler,
    owner,
    clock: new HandClock(),
    log: { warn: () => undefined, error: () => undefined },
  });

function follow(handler: LogHandler, owner = 'one'): LogFollower {
  const follower = followerOf(handler, owner);
  started.push(follower);
  follower.start();
  return follower;
}

const wanted = (): readonly RecordedEvent[] => log.events.filter(({ stream }) => stream.startsWith('customer-'));
const caughtUp = async (follower: LogFollower): Promise<void> =>
  follower.reached((await log.head()) ?? ('0' as Position));
const positionsOf = (events: readonly RecordedEvent[]): readonly number[] =>
  events.map(({ position }) => Number(position));

/** Each begins where the one before ended, or further back: nothing is left out, at least once everything is handed in. */
function expectNoGap(handled: readonly RecordedEvent[]): void {
  const all = positionsOf(wanted());
  let reached = -1;
  for (const position of positionsOf(handled)) {
    const place = all.indexOf(position);
    expect(place).toBeLessThanOrEqual(reached + 1);
    reached = Math.max(reached, place);
  }
  expect(reached).toBe(all.length - 1);
}

describe('A follower of the log', () => {
  it('is handed every event of its streams once and in order, those before its start and those after it', async () => {
    await log.write('customer-1', 700);
    await log.write('source-1', 3);
    const handler = new Handler();
    const follower = follow(handler);
    await log.write('customer-2', 600);
    await log.write('other', 2);
    await caughtUp(follower);
    await log.write('customer-1', 3);
    await caughtUp(follower);
    expect(positionsOf(handler.handled)).toEqual(positionsOf(wanted()));
    expect(follower.status).toEqual({ state: 'following', lagMs: 0, lagEvents: 0, restarts: 0, holdsLease: true });
  });

  it('tells that a position is reached only once everything up to it is handled', async () => {
    const handler = new Handler();
    const follower = follow(handler);
    let letGo: () => void = () => undefined;
    handler.before = () => new Promise((resolve) => (letGo = resolve));
    await log.write('customer-1', 1);
    await until(() => handler.calls === 1);
    const position = wanted()[0]?.position ?? ('0' as Position);
    expect(follower.hasReached(position)).toBe(false);
    letGo();
    await follower.reached(position);
    expect(handler.handled).toHaveLength(1);
  });

  it('goes on behind its checkpoint after a restart', async () => {
    await log.write('customer-1', 5);
    const first = follow(new Handler());
    await caughtUp(first);
    await first.stop();
    expect(checkpoints.saved.get(`${NAME}@1`)).toMatchObject({
      logId: 'log',
      position: '5',
      last: { stream: 'customer-1', revision: 4, eventId: log.events[4]?.id },
    });
    await log.write('customer-1', 2);
    const handler = new Handler();
    await caughtUp(follow(handler));
    expect(positionsOf(handler.handled)).toEqual([6, 7]);
  });

  it('hands a batch in again after a failure, by itself, without another event to wake it', async () => {
    const handler = new Handler();
    const follower = follow(handler);
    await log.write('customer-1', 2);
    await caughtUp(follower);
    let failures = 2;
    handler.before = async () => {
      failures -= 1;
      if (failures >= 0) throw new StoreUnavailable('read_model');
    };
    await log.write('customer-1', 1);
    await until(() => handler.calls > 1 && follower.status.state === 'retrying');
    await caughtUp(follower);
    expectNoGap(handler.handled);
    expect(follower.status.state).toBe('following');
  });

  it(
    'skips nothing, whenever its handler fails and whenever the log drops it',
    async () => {
      const happening = fc.record({
        events: fc.integer({ min: 0, max: 4 }),
        then: fc.constantFrom('fails', 'drops', 'goes on'),
      });
      const property = fc.asyncProperty(fc.array(happening, { maxLength: 6 }), async (happenings) => {
        [log, checkpoints] = [new DroppingLog(), new MemoryCheckpoints()];
        const handler = new Handler();
        const follower = follow(handler);
        for (const { events, then } of happenings) {
          if (then === 'fails') handler.before = () => failOnce(handler);
          await log.write('customer-1', events);
          if (then === 'drops') log.drop();
          await log.write('customer-2', events);
        }
        await log.write('customer-3', 1);
        await caughtUp(follower);
        await follower.stop();
        expectNoGap(handler.handled);
      });
      await fc.assert(property, { seed: seed(), numRuns: scale(15, 500) });
    },
    scale(60_000, 3_600_000),
  );

  const failOnce = (handler: Handler): Promise<void> => {
    handler.before = () => Promise.resolve();
    return Promise.reject(new Error('The handler fails'));
  };

  it('outlives a log that drops it while its handler is busy', async () => {
    const handler = new Handler();
    const follower = follow(handler);
    let letGo: () => void = () => undefined;
    handler.before = () => new Promise((resolve) => (letGo = resolve));
    await log.write('customer-1', 1);
    await until(() => handler.calls === 1);
    log.drop();
    // A rejection that nobody looks at would end the process in this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    handler.before = () => Promise.resolve();
    letGo();
    await log.write('customer-1', 1);
    await caughtUp(follower);
    expectNoGap(handler.handled);
  });

  it('that meets an event of a newer release is degraded: it gives up the lease and goes no further', async () => {
    const handler = new Handler();
    handler.before = async (events) => {
      if (events.some(({ type }) => type === 'FromTheFuture')) throw new UnknownEventType('Unknown');
    };
    await log.write('customer-1', 1);
    const follower = follow(handler);
    await caughtUp(follower);
    await log.write('customer-1', 1, 'FromTheFuture');
    await until(() => follower.status.state === 'degraded');
    const calls = handler.calls;
    await log.write('customer-1', 1);
    expect(checkpoints.holderOf(NAME)).toBeUndefined();
    const newer = new Handler();
    await caughtUp(follow(newer, 'newer'));
    expect(newer.handled.at(-1)).toBe(log.events.at(-1));
    expect(handler.calls).toBe(calls);
    expect(follower.status.state).toBe('degraded');
  });
});

describe('Of two followers', () => {
  it('one follows while the other waits, and the other takes over where it stopped', async () => {
    const [first, second] = [new Handler(), new Handler()];
    const one = follow(first, 'one');
    await log.write('customer-1', 2);
    await caughtUp(one);
    const other = follow(second, 'other');
    await log.write('customer-1', 1);
    await caughtUp(one);
    expect(other.status.state).toBe('waiting');
    await one.stop();
    await log.write('customer-1', 1);
    await caughtUp(other);
    expect(positionsOf(first.handled)).toEqual([1, 2, 3]);
    expect(positionsOf(second.handled)).toEqual([4]);
  });

  it('the one that has lost its lease leaves the log to the other, which skips nothing', async () => {
    const [first, second] = [new Handler(), new Handler()];
    const one = follow(first, 'one');
    await log.write('customer-1', 2);
    await caughtUp(one);
    checkpoints.expire(NAME);
    const other = follow(second, 'other');
    await until(() => other.status.state === 'following');
    await log.write('customer-1', 1);
    await caughtUp(other);
    // It learns of its loss when it next writes its checkpoint, and waits from then on.
    await until(() => one.status.state === 'waiting');
    const handled = first.handled.length;
    await log.write('customer-1', 2);
    await caughtUp(other);
    expect(first.handled).toHaveLength(handled);
    expect(checkpoints.holderOf(NAME)).toBe('other');
    expectNoGap([...first.handled.slice(0, 2), ...second.handled]);
    await other.stop();
    expect(checkpoints.saved.get(`${NAME}@1`)?.position).toBe('5');
  });
});

describe('stop()', () => {
  const busy = (_: unknown, signal: AbortSignal): Promise<void> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('Stopped'))));

  it.each<[string, (follower: LogFollower, handler: Handler) => Promise<void>]>([
    ['while it waits for events', (follower) => caughtUp(follower)],
    ['while its handler works', (_, handler) => until(() => handler.calls > 0)],
    ['while it pauses after a failure', (follower) => until(() => follower.status.state === 'retrying')],
    ['while another holds the lease', (follower) => until(() => follower.status.state === 'waiting')],
  ])('returns at once %s', async (situation, isSo) => {
    const handler = new Handler();
    if (situation.includes('handler works')) handler.before = busy;
    if (situation.includes('a failure')) handler.before = () => Promise.reject(new Error('The handler fails'));
    if (situation.includes('another holds')) await checkpoints.acquire(NAME, 'another');
    await log.write('customer-1', 1);
    const follower = follow(handler);
    await isSo(follower, handler);
    const before = performance.now();
    await follower.stop();
    // Any of the pauses it could sit out is longer.
    expect(performance.now() - before).toBeLessThan(1_500);
    expect(follower.status.state).toBe('stopped');
    if (!situation.includes('another holds')) expect(checkpoints.holderOf(NAME)).toBeUndefined();
  });
});

describe('A checkpoint', () => {
  async function checkpointAt(index: number) {
    const event = log.events[index];
    if (event === undefined) throw new RangeError('No such event');
    const { id: eventId, position, stream, revision } = event;
    return { logId: 'log', position, last: { stream, revision, eventId, hash: readMetadata(event).hash } };
  }

  it('is good for the log it was made from, also when that has grown', async () => {
    await log.write('customer-1', 3);
    const checkpoint = await checkpointAt(2);
    await log.write('customer-1', 1);
    await expect(verifyCheckpoint(log, checkpoint, NAME)).resolves.toBeUndefined();
  });

  it('is refused by a log that was wiped, also when that is filled again', async () => {
    await log.write('customer-1', 3);
    const checkpoint = await checkpointAt(2);
    const wiped = new DroppingLog('another log');
    await expect(verifyCheckpoint(wiped, checkpoint, NAME)).rejects.toBeInstanceOf(LogMismatch);
    await wiped.write('customer-1', 5);
    await expect(verifyCheckpoint(wiped, checkpoint, NAME)).rejects.toBeInstanceOf(LogMismatch);
    const { last: _, ...atAMark } = checkpoint;
    await expect(verifyCheckpoint(wiped, atAMark, NAME)).rejects.toBeInstanceOf(LogMismatch);
  });

  it('is refused by a log that was restored to before it, also when others have written there since', async () => {
    await log.write('customer-1', 3);
    const checkpoint = await checkpointAt(2);
    log.events.length = 2;
    await expect(verifyCheckpoint(log, checkpoint, NAME)).rejects.toBeInstanceOf(LogMismatch);
    await log.write('customer-1', 2);
    await expect(verifyCheckpoint(log, checkpoint, NAME)).rejects.toBeInstanceOf(LogMismatch);
  });

  it('is looked at by the follower it belongs to', async () => {
    await log.write('customer-1', 3);
    checkpoints.saved.set(`${NAME}@1`, await checkpointAt(2));
    const follower = followerOf(new Handler(), 'one');
    await expect(follower.verifyCheckpoint()).resolves.toBeUndefined();
    log.events.length = 1;
    await expect(follower.verifyCheckpoint()).rejects.toBeInstanceOf(LogMismatch);
  });
});
