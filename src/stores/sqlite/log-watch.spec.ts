import { jest } from '@jest/globals';
import { LogWatch } from './log-watch.js';

describe('the watch on the log', () => {
  let head: number;
  let reads: number;
  let watch: LogWatch;

  beforeEach(() => {
    jest.useFakeTimers();
    head = 0;
    reads = 0;
    watch = new LogWatch(() => {
      reads += 1;
      return head;
    }, 100);
  });
  afterEach(() => jest.useRealTimers());

  const { signal } = new AbortController();
  const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
    (await Promise.race([promise, Promise.resolve('pending')])) === 'pending';

  it('polls by one timer while someone has joined, and by none after the last has left', () => {
    const leave = [watch.join(), watch.join(), watch.join()];
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1000);
    expect(reads).toBe(10);
    leave[0]!();
    leave[1]!();
    expect(jest.getTimerCount()).toBe(1);
    leave[2]!();
    expect(jest.getTimerCount()).toBe(0);
    watch.join();
    expect(jest.getTimerCount()).toBe(1);
  });

  it('wakes who waits once another process has made the log grow', async () => {
    watch.join();
    const waiting = watch.changed(watch.ticket(), signal);
    jest.advanceTimersByTime(500);
    expect(await isPending(waiting)).toBe(true);
    head = 3;
    jest.advanceTimersByTime(100);
    await waiting;
  });

  it('does not wake anyone again for what this process has written itself', async () => {
    watch.join();
    head = 3;
    watch.grown(3);
    const waiting = watch.changed(watch.ticket(), signal);
    jest.advanceTimersByTime(500);
    expect(await isPending(waiting)).toBe(true);
  });

  it('does not let anyone wait who has not seen the newest growth', async () => {
    const ticket = watch.ticket();
    watch.grown(1);
    await watch.changed(ticket, signal);
  });

  it('wakes who waits when the log cannot be read, so that they meet the fault themselves', async () => {
    const broken = new LogWatch(() => {
      throw new Error('gone');
    }, 100);
    broken.join();
    const waiting = broken.changed(broken.ticket(), signal);
    jest.advanceTimersByTime(100);
    await waiting;
  });

  it('ends a wait at an abort', async () => {
    const end = new AbortController();
    const waiting = watch.changed(watch.ticket(), end.signal);
    end.abort();
    await waiting;
    await watch.changed(watch.ticket(), end.signal);
  });
});
