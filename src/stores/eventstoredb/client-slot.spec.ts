import type { EventStoreDBClient } from '@eventstore/db-client';
import { StreamNotFoundError } from '@eventstore/db-client';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { TestClock } from '../../../test/support/test-clock.js';
import { NoAnswer } from './client-errors.js';
import { ClientSlot } from './client-slot.js';
import { openClient } from './mended-client.js';

describe('The client of the process', () => {
  let opened: EventStoreDBClient[];
  let clock: TestClock;
  let slot: ClientSlot;

  const never = (): boolean => false;
  const fail = async (error: unknown, times: number): Promise<void> => {
    const failing = (): Promise<never> => slot.use(() => Promise.reject(error as Error), never);
    for (let n = 0; n < times; n += 1) await expect(failing()).rejects.toBe(error);
  };
  const succeed = (): Promise<string> => slot.use(async () => 'done', never);

  beforeEach(() => {
    opened = [];
    clock = new TestClock();
    slot = new ClientSlot(() => {
      const client = openClient('esdb://127.0.0.1:1?tls=false', 1_000);
      opened.push(client);
      return client;
    }, clock);
  });
  afterEach(() => slot.close());

  it('is replaced after five failures in a row', async () => {
    const client = slot.current;
    await fail(new NoAnswer(), 4);
    expect(opened).toHaveLength(1);
    await fail(new NoAnswer(), 1);
    expect(opened).toHaveLength(2);
    expect(slot.current).not.toBe(client);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a success', () => succeed()],
    ['an answer that is a refusal', () => fail(new StreamNotFoundError(null as never, 'customer-1'), 1)],
  ])('is kept when %s came in between', async (_, between) => {
    for (let n = 0; n < 4; n += 1) {
      await fail(new NoAnswer(), 4);
      await between();
    }
    expect(opened).toHaveLength(1);
  });

  it('is replaced no more often than every five seconds', async () => {
    await fail(new NoAnswer(), 50);
    expect(opened).toHaveLength(2);
    clock.advance(5_000);
    await fail(new NoAnswer(), 5);
    expect(opened).toHaveLength(3);
  });

  it('does not answer for what its predecessor still fails with', async () => {
    const late: (() => void)[] = [];
    const calls = Array.from({ length: 10 }, () =>
      slot.use(() => new Promise((_, reject) => late.push(() => reject(new NoAnswer()))), never),
    );
    const settled = Promise.allSettled(calls);
    await fail(new NoAnswer(), 5);
    clock.advance(10_000);
    for (const reject of late) reject();
    await settled;
    expect(opened).toHaveLength(2);
  });

  it('is kept when no new one can be made', async () => {
    const kept = openClient('esdb://127.0.0.1:1?tls=false', 1_000);
    const clients = [kept];
    const unlucky = new ClientSlot(() => {
      const client = clients.pop();
      if (client === undefined) throw new RangeError('The certificate is gone');
      return client;
    }, clock);
    const error = new NoAnswer();
    for (let n = 0; n < 6; n += 1) {
      await expect(unlucky.use(() => Promise.reject(error), never)).rejects.toBe(error);
    }
    expect(unlucky.current).toBe(kept);
    await unlucky.close();
  });

  it('is asked a second time, and no third, for what may be repeated', async () => {
    let calls = 0;
    const failing = slot.use(
      async () => {
        calls += 1;
        throw new NoAnswer();
      },
      () => true,
    );
    await expect(failing).rejects.toBeInstanceOf(NoAnswer);
    expect(calls).toBe(2);
  });

  it('is there for nobody once it is closed', async () => {
    await slot.close();
    await expect(succeed()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(() => slot.current).toThrow(StoreUnavailable);
  });
});
