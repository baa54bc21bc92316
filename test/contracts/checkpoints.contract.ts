import { randomUUID } from 'node:crypto';
import type { Checkpoint, Checkpoints, Lease } from '../../src/event-sourcing/checkpoints.js';
import { Clock } from '../../src/event-sourcing/clock.js';
import type { Position } from '../../src/event-sourcing/event-store.js';
import { anotherOf, type Harness } from './harness.js';

const at = (position: string, eventId?: string): Checkpoint => ({
  logId: 'log',
  position: position as Position,
  ...(eventId !== undefined && { last: { stream: 'customer-é', revision: 3, eventId, hash: 'abc' } }),
});

class SetClock extends Clock {
  constructor(override readonly now: () => number) {
    super();
  }
}

/** What every Checkpoints promises. @param shared whether other processes can open the same checkpoints */
export function describeCheckpoints(
  name: string,
  makeCheckpoints: (clock: Clock) => Promise<Harness<Checkpoints>>,
  shared = true,
): void {
  describe(`Checkpoints: ${name}`, () => {
    let harness: Harness<Checkpoints>;
    let checkpoints: Checkpoints;
    let now: number;
    let follower: string;

    beforeEach(async () => {
      now = Date.UTC(2026, 0, 1);
      harness = await makeCheckpoints(new SetClock(() => now));
      checkpoints = harness.port;
      follower = `follower-${randomUUID()}`;
    });
    afterEach(() => harness.close());

    const taken = async (owner: string, ttlMs = 1000, by = checkpoints): Promise<Lease> => {
      const lease = await by.acquire(follower, owner, ttlMs);
      if (lease === undefined) throw new Error('The lease was not free');
      return lease;
    };

    describe('checkpoints', () => {
      it('knows none that was not saved', async () => {
        expect(await checkpoints.load(follower)).toBeUndefined();
      });

      it.each([at('C:10/P:10'), at('', 'e1'), at('42', 'e2')])('gives back what was saved', async (checkpoint) => {
        expect(await checkpoints.save(follower, checkpoint)).toBe(true);
        expect(await checkpoints.load(follower)).toEqual(checkpoint);
      });

      it('replaces the one before, with all its parts', async () => {
        await checkpoints.save(follower, at('1', 'e1'));
        await checkpoints.save(follower, at('2'));
        expect(await checkpoints.load(follower)).toEqual(at('2'));
      });

      it('replaces only the position that must be stored, where one is named', async () => {
        const lease = await taken('a');
        const after = (position: string): [Lease, Position] => [lease, position as Position];
        expect(await checkpoints.save(follower, at('2'), ...after('1'))).toBe(false);
        expect(await checkpoints.load(follower)).toBeUndefined();
        await checkpoints.save(follower, at('1'), lease);
        expect(await checkpoints.save(follower, at('2'), ...after('1'))).toBe(true);
        expect(await checkpoints.save(follower, at('3', 'e3'), ...after('1'))).toBe(false);
        expect(await checkpoints.load(follower)).toEqual(at('2'));
        expect(await checkpoints.save(follower, at('2', 'e2'), ...after('2'))).toBe(true);
        expect(await checkpoints.load(follower)).toEqual(at('2', 'e2'));
      });

      it('keeps names apart, and removes one', async () => {
        await checkpoints.save(follower, at('1'));
        await checkpoints.save(`${follower}@2`, at('2'));
        await checkpoints.remove(follower);
        await checkpoints.remove(follower);
        expect(await checkpoints.load(follower)).toBeUndefined();
        expect(await checkpoints.load(`${follower}@2`)).toEqual(at('2'));
      });
    });

    describe('leases', () => {
      it('gives a free lease to who asks, and to nobody else', async () => {
        expect(await taken('a')).toMatchObject({ name: follower, owner: 'a' });
        expect(await checkpoints.acquire(follower, 'b', 1000)).toBeUndefined();
      });

      it('gives it to exactly one of many who ask at once', async () => {
        const asked = Array.from({ length: 20 }, (_, n) => checkpoints.acquire(follower, `owner${n}`, 1000));
        expect((await Promise.all(asked)).filter((lease) => lease !== undefined)).toHaveLength(1);
      });

      it('keeps leases of different names apart', async () => {
        await taken('a');
        expect(await checkpoints.acquire(`${follower}2`, 'b', 1000)).toMatchObject({ owner: 'b' });
      });

      it('gives it again to the owner who holds it', async () => {
        const lease = await taken('a');
        now += 900;
        expect((await taken('a')).epoch).toBeGreaterThanOrEqual(lease.epoch);
        now += 900;
        expect(await checkpoints.acquire(follower, 'b', 1000)).toBeUndefined();
      });

      it('lasts as long as it was asked for', async () => {
        await taken('a', 1000);
        now += 999;
        expect(await checkpoints.acquire(follower, 'b', 1000)).toBeUndefined();
        now += 1;
        expect(await checkpoints.acquire(follower, 'b', 1000)).toMatchObject({ owner: 'b' });
      });

      it('counts a higher epoch with each new holder, also after it was given back', async () => {
        const first = await taken('a');
        await checkpoints.release(first);
        const second = await taken('b');
        now += 5000;
        const third = await taken('c');
        await checkpoints.release(third);
        const fourth = await taken('a');
        const epochs = [first, second, third, fourth].map(({ epoch }) => epoch);
        expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
      });

      it('is renewed by its holder', async () => {
        const lease = await taken('a', 1000);
        now += 900;
        expect(await checkpoints.renew(lease, 1000)).toBe(true);
        now += 900;
        expect(await checkpoints.acquire(follower, 'b', 1000)).toBeUndefined();
      });

      it('is not renewed once another has it', async () => {
        const lease = await taken('a', 1000);
        now += 1000;
        await taken('b', 1000);
        expect(await checkpoints.renew(lease, 1000)).toBe(false);
        now += 1000;
        expect(await checkpoints.acquire(follower, 'c', 1000)).toMatchObject({ owner: 'c' });
      });

      it('is free at once when it is given back', async () => {
        await checkpoints.release(await taken('a'));
        expect(await checkpoints.acquire(follower, 'b', 1000)).toMatchObject({ owner: 'b' });
      });

      it('cannot be given back by who has lost it', async () => {
        const lost = await taken('a', 1000);
        now += 1000;
        await taken('b', 1000);
        await checkpoints.release(lost);
        expect(await checkpoints.acquire(follower, 'c', 1000)).toBeUndefined();
      });
    });

    describe('saving under a lease', () => {
      it('is done for the holder', async () => {
        const lease = await taken('a');
        expect(await checkpoints.save(`${follower}@1`, at('1'), lease)).toBe(true);
        expect(await checkpoints.load(`${follower}@1`)).toEqual(at('1'));
      });

      it('is refused for an overtaken one, and nothing is written', async () => {
        const overtaken = await taken('a', 1000);
        await checkpoints.save(follower, at('1'), overtaken);
        now += 1000;
        const newer = await taken('b', 1000);
        await checkpoints.save(follower, at('5'), newer);
        expect(await checkpoints.save(follower, at('2'), overtaken)).toBe(false);
        expect(await checkpoints.load(follower)).toEqual(at('5'));
        expect(await checkpoints.save(follower, at('6'), newer)).toBe(true);
      });

      it('is refused under a lease that was never given', async () => {
        expect(await checkpoints.save(follower, at('1'), { name: follower, owner: 'a', epoch: 1 })).toBe(false);
        expect(await checkpoints.load(follower)).toBeUndefined();
      });
    });

    if (!shared) return;
    it('fences off another process and shows it what was saved', async () => {
      const other = await anotherOf(harness);
      const lease = await taken('a', 1000);
      await checkpoints.save(follower, at('1'), lease);
      expect(await other.load(follower)).toEqual(at('1'));
      expect(await other.acquire(follower, 'b', 1000)).toBeUndefined();
      now += 1000;
      await taken('b', 1000, other);
      expect(await checkpoints.save(follower, at('2'), lease)).toBe(false);
      expect(await checkpoints.renew(lease, 1000)).toBe(false);
    });
  });
}
