import { randomBytes, randomUUID } from 'node:crypto';
import type { Position } from '../../src/event-sourcing/event-store.js';
import type { Lane, LaneWork, SetBack } from '../../src/subscribers/webhooks/lane.js';
import type { WebhookEndpoint } from '../../src/subscribers/webhooks/webhook-endpoint.js';
import type { Webhooks } from '../../src/subscribers/webhooks/webhooks.js';
import { scale } from '../support/scale.js';
import { anotherOf, type Harness, ordersOf } from './harness.js';

const NOW = Date.UTC(2026, 0, 1);
const LATER = NOW + 1_000;

const secret = (expiresAt?: number): WebhookEndpoint['secrets'][number] => ({
  masterKeyId: 'm1',
  wrapped: new Uint8Array(randomBytes(60)),
  fingerprint: randomUUID(),
  ...(expiresAt !== undefined && { expiresAt }),
});

const anEndpoint = (fields: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({
  id: `wh_${randomUUID()}`,
  url: 'https://example.com/hooks?a=1&b=é',
  pii: false,
  enabled: true,
  secrets: [secret()],
  createdAt: NOW,
  updatedAt: NOW,
  version: 1,
  ...fields,
});

const failed = (fields: Partial<SetBack> = {}): SetBack => ({
  state: 'retrying',
  attempts: 1,
  dueAt: LATER,
  failingSince: NOW,
  last: { at: NOW, outcome: 'refused', status: 500 },
  ...fields,
});

/**
 * What every Webhooks promises.
 * @param shared whether other processes can open the same ones
 * @param many lanes that do not fit into one write
 */
export function describeWebhooks(
  name: string,
  makeWebhooks: () => Promise<Harness<Webhooks>>,
  { shared = true, many = 520 } = {},
): void {
  describe(`Webhooks: ${name}`, () => {
    let harness: Harness<Webhooks>;
    let webhooks: Webhooks;

    beforeEach(async () => {
      harness = await makeWebhooks();
      webhooks = harness.port;
    });
    afterEach(() => harness.close());

    describe('endpoints', () => {
      it('come back as they were added, and the oldest first', async () => {
        const bare = anEndpoint();
        const full = anEndpoint({
          description: 'Läden',
          types: ['customer.created', 'customer.erased'],
          pii: true,
          enabled: false,
          gone: true,
          secrets: [secret(), secret(LATER)],
          after: 'C:10/P:10' as Position,
          replay: { id: 'r', since: 5, until: '42' as Position },
          createdAt: LATER,
        });
        for (const endpoint of [bare, full]) await webhooks.add(endpoint);
        expect(await webhooks.list()).toEqual([bare, full]);
        for (const endpoint of [bare, full]) expect(await webhooks.find(endpoint.id)).toEqual(endpoint);
        expect(await webhooks.find('wh_none')).toBeUndefined();
      });

      it('are replaced as a whole, by who has seen the version that stands', async () => {
        const endpoint = anEndpoint({ description: 'to go', types: ['customer.created'] });
        await webhooks.add(endpoint);
        const { description: _, types: __, ...rest } = endpoint;
        const next = { ...rest, enabled: false, version: 2 };
        expect(await webhooks.replace(next, 1)).toBe(true);
        expect(await webhooks.replace({ ...next, pii: true, version: 2 }, 1)).toBe(false);
        expect(await webhooks.find(endpoint.id)).toEqual(next);
        expect(await webhooks.replace(anEndpoint(), 1)).toBe(false);
        expect(await webhooks.list()).toHaveLength(1);
      });

      it('of many who change the same version, one does', async () => {
        const endpoint = anEndpoint();
        await webhooks.add(endpoint);
        const wins = await Promise.all(
          Array.from({ length: 8 }, (_, n) => webhooks.replace({ ...endpoint, description: `${n}`, version: 2 }, 1)),
        );
        expect(wins.filter(Boolean)).toHaveLength(1);
      });

      it('are removed with their lanes, and once', async () => {
        const [gone, kept] = [anEndpoint(), anEndpoint()];
        for (const endpoint of [gone, kept]) await webhooks.add(endpoint);
        const work = [gone, kept].flatMap(({ id }) =>
          ['a', 'b'].map((customerId) => ({ endpointId: id, customerId, next: 0, end: 1 })),
        );
        await webhooks.enqueue(work, NOW);
        expect(await webhooks.remove(gone.id)).toBe(true);
        expect(await webhooks.remove(gone.id)).toBe(false);
        expect(await webhooks.find(gone.id)).toBeUndefined();
        expect(await webhooks.lanes(gone.id, { limit: 10 })).toEqual([]);
        expect(await webhooks.lanes(kept.id, { limit: 10 })).toHaveLength(2);
      });

      it('are healthy', () => expect(webhooks.health()).resolves.toBeUndefined());
    });

    describe('lanes', () => {
      let endpointId: string;
      beforeEach(async () => {
        const endpoint = anEndpoint();
        endpointId = endpoint.id;
        await webhooks.add(endpoint);
      });

      const work = (customerId: string, next: number, end: number): LaneWork => ({ endpointId, customerId, next, end });
      const key = (customerId: string): { endpointId: string; customerId: string } => ({ endpointId, customerId });
      const laneOf = async (customerId: string): Promise<Lane | undefined> =>
        (await webhooks.lanes(endpointId, { limit: 100 })).find((lane) => lane.customerId === customerId);
      const dueNow = async (state: 'waiting' | 'retrying', at = NOW): Promise<string[]> =>
        (await webhooks.due(endpointId, state, at, 100)).map(({ customerId }) => customerId);

      it('begin at the first event that is noted, and are due at once', async () => {
        await webhooks.enqueue([work('a', 3, 5)], NOW);
        const lane = { ...work('a', 3, 5), state: 'waiting', attempts: 0, dueAt: NOW };
        expect(await laneOf('a')).toEqual(lane);
        expect(await webhooks.due(endpointId, 'waiting', NOW, 10)).toEqual([lane]);
        expect(await dueNow('waiting', NOW - 1)).toEqual([]);
        expect(await dueNow('retrying')).toEqual([]);
      });

      it('grow at their end only, whatever is noted twice or late', async () => {
        await webhooks.enqueue([work('a', 3, 5)], NOW);
        await webhooks.enqueue([work('a', 4, 8)], LATER);
        for (const again of [work('a', 3, 5), work('a', 0, 1)]) await webhooks.enqueue([again], LATER);
        expect(await laneOf('a')).toMatchObject({ next: 3, end: 8, dueAt: NOW, state: 'waiting' });
      });

      it('are delivered to the end, go on from what is noted next, and never go back by it', async () => {
        await webhooks.enqueue([work('a', 0, 2)], NOW);
        const last = { at: LATER, outcome: 'delivered', status: 204 } as const;
        expect(await webhooks.advance(key('a'), 0, 1, LATER, last)).toBe('more');
        expect(await laneOf('a')).toMatchObject({ next: 1, state: 'waiting', dueAt: LATER, last });
        expect(await webhooks.advance(key('a'), 1, 2, LATER)).toBe('delivered');
        expect(await laneOf('a')).toMatchObject({ next: 2, state: 'delivered', last });
        expect(await dueNow('waiting', LATER)).toEqual([]);
        await webhooks.enqueue([work('a', 0, 2)], LATER);
        expect(await laneOf('a')).toMatchObject({ next: 2, state: 'delivered' });
        await webhooks.enqueue([work('a', 1, 3)], LATER + 5);
        expect(await laneOf('a')).toMatchObject({ next: 2, end: 3, state: 'waiting', dueAt: LATER + 5 });
        await webhooks.advance(key('a'), 2, 3, LATER + 5);
        // What lies between was not wanted when it was noted.
        await webhooks.enqueue([work('a', 7, 9)], LATER + 6);
        expect(await laneOf('a')).toMatchObject({ next: 7, end: 9, state: 'waiting' });
      });

      it('are moved by nobody who thinks they stand elsewhere', async () => {
        await webhooks.enqueue([work('a', 2, 5)], NOW);
        const before = await laneOf('a');
        expect(await webhooks.advance(key('a'), 1, 2, LATER)).toBe('overtaken');
        expect(await webhooks.advance(key('b'), 0, 1, LATER)).toBe('overtaken');
        expect(await webhooks.setBack(key('a'), 3, failed())).toBe(false);
        expect(await webhooks.setBack(key('b'), 0, failed())).toBe(false);
        expect(await webhooks.lanes(endpointId, { limit: 10 })).toEqual([before]);
      });

      it('wait for their time after a failure, and forget it with the next success', async () => {
        await webhooks.enqueue([work('a', 0, 2)], NOW);
        expect(await webhooks.setBack(key('a'), 0, failed())).toBe(true);
        expect(await laneOf('a')).toEqual({ ...work('a', 0, 2), ...failed() });
        expect([await dueNow('waiting', LATER), await dueNow('retrying')]).toEqual([[], []]);
        expect(await dueNow('retrying', LATER)).toEqual(['a']);
        await webhooks.enqueue([work('a', 2, 3)], NOW);
        expect(await laneOf('a')).toEqual({ ...work('a', 0, 3), ...failed() });
        const unreachable = failed({ attempts: 2, last: { at: LATER, outcome: 'unreachable' } });
        await webhooks.setBack(key('a'), 0, unreachable);
        expect(await laneOf('a')).toEqual({ ...work('a', 0, 3), ...unreachable });
        await webhooks.advance(key('a'), 0, 1, LATER, { at: LATER, outcome: 'delivered', status: 200 });
        const lane = await laneOf('a');
        expect(lane).toMatchObject({ next: 1, state: 'waiting', attempts: 0 });
        expect(lane).not.toHaveProperty('failingSince');
      });

      it('that are parked stay so whatever is noted, until they are let go on', async () => {
        await webhooks.enqueue([work('a', 0, 1), work('b', 0, 1)], NOW);
        await webhooks.setBack(key('a'), 0, failed({ state: 'parked' }));
        await webhooks.setBack(key('b'), 0, failed());
        await webhooks.enqueue([work('a', 1, 2)], LATER);
        expect(await laneOf('a')).toMatchObject({ state: 'parked', next: 0, end: 2 });
        await webhooks.restart(endpointId, 'parked', LATER);
        expect(await laneOf('a')).toMatchObject({ state: 'waiting', next: 0, end: 2, attempts: 0, dueAt: LATER });
        expect(await laneOf('a')).not.toHaveProperty('failingSince');
        expect(await laneOf('b')).toMatchObject({ state: 'retrying' });
        await webhooks.restart(endpointId, 'retrying', LATER);
        expect(await laneOf('b')).toMatchObject({ state: 'waiting' });
      });

      it('are given by when they are due, so many as are asked for, of the endpoint asked for', async () => {
        const other = anEndpoint();
        await webhooks.add(other);
        await webhooks.enqueue([{ ...work('z', 0, 1), endpointId: other.id }], NOW);
        for (const [n, id] of ['c', 'a', 'b'].entries()) await webhooks.enqueue([work(id, 0, 2)], NOW + n);
        expect(await dueNow('waiting', LATER)).toEqual(['c', 'a', 'b']);
        expect(await webhooks.due(endpointId, 'waiting', LATER, 2)).toHaveLength(2);
        await webhooks.advance(key('c'), 0, 1, NOW + 7);
        expect(await dueNow('waiting', LATER)).toEqual(['a', 'b', 'c']);
      });

      it('are listed by customer, in pages, and by state', async () => {
        await webhooks.enqueue(
          ['d', 'B', 'a', 'c'].map((id) => work(id, 0, 1)),
          NOW,
        );
        await webhooks.setBack(key('a'), 0, failed());
        const ids = async (page: Parameters<Webhooks['lanes']>[1]): Promise<string[]> =>
          (await webhooks.lanes(endpointId, page)).map(({ customerId }) => customerId);
        expect(await ids({ limit: 10 })).toEqual(['B', 'a', 'c', 'd']);
        expect(await ids({ limit: 2 })).toEqual(['B', 'a']);
        expect(await ids({ limit: 2, after: 'a' })).toEqual(['c', 'd']);
        expect(await ids({ limit: 10, state: 'retrying' })).toEqual(['a']);
        expect(await ids({ limit: 10, state: 'waiting', after: 'a' })).toEqual(['c', 'd']);
      });

      it('are set back by a replay, whatever their state, once each', async () => {
        await webhooks.enqueue(
          ['a', 'b', 'c'].map((id) => work(id, 4, 6)),
          NOW,
        );
        await webhooks.advance(key('a'), 4, 6, NOW);
        await webhooks.setBack(key('b'), 4, failed({ state: 'parked' }));
        const replayed = [work('a', 1, 3), work('b', 5, 6), work('d', 2, 3)];
        await webhooks.rewind(replayed, 'r1', LATER);
        expect(await laneOf('a')).toMatchObject({ next: 1, end: 6, state: 'waiting', dueAt: LATER });
        expect(await laneOf('b')).toMatchObject({ next: 4, end: 6, state: 'waiting', attempts: 0 });
        expect(await laneOf('b')).not.toHaveProperty('failingSince');
        expect(await laneOf('c')).toMatchObject({ next: 4, dueAt: NOW });
        expect(await laneOf('d')).toMatchObject({ next: 2, end: 3, state: 'waiting' });
        await webhooks.advance(key('a'), 1, 3, LATER);
        await webhooks.rewind(replayed, 'r1', LATER);
        expect(await laneOf('a')).toMatchObject({ next: 3 });
        await webhooks.rewind(replayed, 'r2', LATER);
        expect(await laneOf('a')).toMatchObject({ next: 1 });
      });

      it('take more than fits into one write', async () => {
        const lanes = Array.from({ length: many }, (_, n) => work(`c${n}`, 0, 1));
        await webhooks.enqueue(lanes, NOW);
        await webhooks.rewind(lanes, 'r', NOW);
        expect(await webhooks.due(endpointId, 'waiting', NOW, 1_000)).toHaveLength(many);
        await webhooks.enqueue([], NOW);
        expect(await webhooks.remove(endpointId)).toBe(true);
        expect(await webhooks.lanes(endpointId, { limit: 1_000 })).toEqual([]);
      });

      it('are forgotten all together, and those of no other endpoint', async () => {
        const other = anEndpoint();
        await webhooks.add(other);
        await webhooks.enqueue([work('a', 3, 5), { ...work('a', 3, 5), endpointId: other.id }], NOW);
        for (let n = 0; n < 2; n += 1) await webhooks.clear(endpointId);
        expect(await laneOf('a')).toBeUndefined();
        expect(await webhooks.lanes(other.id, { limit: 10 })).toHaveLength(1);
        await webhooks.enqueue([work('a', 0, 1)], NOW);
        expect(await laneOf('a')).toMatchObject({ next: 0, end: 1 });
      });

      it('of those who advance from the same place one does', async () => {
        await webhooks.enqueue([work('a', 0, 5)], NOW);
        const ends = await Promise.all(Array.from({ length: 8 }, () => webhooks.advance(key('a'), 0, 1, NOW)));
        expect(ends.filter((end) => end === 'more')).toHaveLength(1);
        expect(await laneOf('a')).toMatchObject({ next: 1 });
      });

      it('lose no event that is noted while the one before is finished', async () => {
        for (let n = 0; n < 20; n += 1) {
          const id = `race-${n}`;
          await webhooks.enqueue([work(id, 0, 1)], NOW);
          await Promise.all([webhooks.enqueue([work(id, 1, 2)], NOW), webhooks.advance(key(id), 0, 1, NOW)]);
          expect(await laneOf(id)).toMatchObject({ next: 1, end: 2, state: 'waiting' });
        }
      });

      if (!shared) return;
      it('are noted first by two at once, to the furthest end and from the earliest beginning', async () => {
        const other = await anotherOf(harness);
        for (let round = 0; round < scale(1, 25); round += 1) {
          const lanes = ordersOf([1, 2, 3, 4]).map((order) => ({ id: randomUUID(), ...order }));
          await Promise.all([
            webhooks.enqueue(
              lanes.map(({ id, mine }) => work(id, 0, mine)),
              NOW,
            ),
            other.enqueue(
              lanes.map(({ id, theirs }) => work(id, 0, theirs)),
              NOW,
            ),
          ]);
          for (const { id, mine, theirs } of lanes)
            expect(await laneOf(id)).toMatchObject({ next: 0, end: Math.max(mine, theirs), state: 'waiting' });
          const replayed = lanes.map(({ id }) => `${id}-replayed`);
          await Promise.all([
            webhooks.rewind(
              replayed.map((id) => work(id, 2, 9)),
              'r',
              NOW,
            ),
            other.enqueue(
              replayed.map((id) => work(id, 8, 9)),
              NOW,
            ),
          ]);
          for (const id of replayed) expect(await laneOf(id)).toMatchObject({ next: 2, end: 9 });
        }
      });

      it('are seen by another process at once', async () => {
        const other = await anotherOf(harness);
        await other.enqueue([work('a', 0, 2)], NOW);
        expect(await dueNow('waiting')).toEqual(['a']);
        expect(await webhooks.advance(key('a'), 0, 1, NOW)).toBe('more');
        expect(await other.advance(key('a'), 0, 1, NOW)).toBe('overtaken');
      });
    });
  });
}
