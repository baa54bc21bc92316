import fc from 'fast-check';
import { scale } from '../../../test/support/scale.js';
import { seed } from '../../../test/support/seed.js';
import type { WindowSize } from '../../event-sourcing/newest-window.js';
import type { EventRow } from './event-rows.js';
import { NewestEvents, type StoredEvent } from './newest-events.js';

const rowAt = (position: number, data = '{}'): EventRow => [
  position,
  's',
  position - 1,
  'id',
  'type',
  data,
  '{}',
  0,
  null,
];
const positionsOf = (events: readonly StoredEvent[]): number[] => events.map(({ position }) => position);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A log and what is shared of it. */
class World {
  readonly log: EventRow[] = [];
  readings = 0;
  readonly newest: NewestEvents;

  constructor(size?: WindowSize) {
    const read = (after: number, limit: number): readonly EventRow[] => {
      this.readings += 1;
      return this.log.filter(([position]) => position > after).slice(0, limit);
    };
    this.newest = new NewestEvents(read, size);
  }

  grow(count: number): readonly EventRow[] {
    const rows = Array.from({ length: count }, (_, i) => rowAt(this.log.length + 1 + i));
    this.log.push(...rows);
    return rows;
  }
}

describe('The newest events', () => {
  it('are read once and decoded once for all who have come so far', async () => {
    const world = new World();
    world.grow(2);
    expect(world.newest.after(2, 10)).toEqual([]);
    await turn();
    world.grow(3);
    world.readings = 0;
    const all = [1, 2, 3].map(() => world.newest.after(2, 10));
    expect(all.map(positionsOf)).toEqual(Array(3).fill([3, 4, 5]));
    expect(new Set(all.map(([first]) => first?.event)).size).toBe(1);
    expect(world.readings).toBe(1);
  });

  it('are not read at all when this process has appended them', () => {
    const world = new World();
    world.newest.after(0, 10);
    world.newest.appended(world.grow(2));
    world.readings = 0;
    expect(positionsOf(world.newest.after(0, 2))).toEqual([1, 2]);
    expect(world.readings).toBe(0);
  });

  it('hold what another process wrote between two appends of this one, also in the same turn', () => {
    const world = new World();
    expect(world.newest.after(0, 10)).toEqual([]);
    world.grow(1);
    world.newest.appended(world.grow(1));
    expect(positionsOf(world.newest.after(0, 10))).toEqual([1, 2]);
  });

  it('are looked for again in the same turn when another process has written since', () => {
    const world = new World();
    expect(world.newest.after(0, 10)).toEqual([]);
    world.grow(1);
    expect(world.newest.after(0, 10)).toEqual([]);
    world.newest.lookAgain();
    expect(positionsOf(world.newest.after(0, 10))).toEqual([1]);
  });

  it('show a row that is damaged as unreadable, and go on behind it', () => {
    const world = new World();
    world.grow(1);
    world.log.push(rowAt(2, '{'), rowAt(3, '{}'));
    const events = world.newest.after(0, 10).map(({ event }) => event);
    expect(events.map(({ unreadable }) => unreadable)).toEqual([undefined, true, undefined]);
    expect(events[1]).toMatchObject({ data: {}, metadata: {} });
  });

  it.each<[string, WindowSize, number]>([
    ['events', { events: 8, characters: 1e9 }, 9],
    ['text', { events: 1e9, characters: 32 }, 9],
  ])('are held up to so much: %s', (_, size, most) => {
    const world = new World(size);
    world.newest.after(0, 1);
    for (let n = 0; n < 100; n += 1) world.newest.appended(world.grow(1));
    world.readings = 0;
    // Just what is held is handed out without a reading.
    expect(positionsOf(world.newest.after(100 - most - 1, 1))).toEqual([100 - most]);
    expect(world.readings).toBe(1);
    expect(positionsOf(world.newest.after(95, 5))).toEqual([96, 97, 98, 99, 100]);
    expect(world.readings).toBe(1);
  });

  it('show every reader each event once and in order, whoever writes and however far it is behind', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('own' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant('other' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant('read' as const), who: fc.nat(3), limit: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant('turn' as const) }),
    );
    const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Promise<void> => {
      const world = new World({ events: 4, characters: 1e9 });
      const reached = [0, 0, 0, 0];
      for (const one of steps) {
        if (one.kind === 'turn') await turn();
        else if (one.kind === 'own') world.newest.appended(world.grow(one.count));
        else if (one.kind === 'other') {
          world.grow(one.count);
          // Another process writes while this one waits: never within a turn.
          await turn();
        } else {
          const from = reached[one.who] ?? 0;
          const expected = Math.min(one.limit, world.log.length - from);
          const seen = positionsOf(world.newest.after(from, one.limit));
          expect(seen).toEqual(Array.from({ length: expected }, (_, i) => from + 1 + i));
          reached[one.who] = from + expected;
        }
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), run), {
      seed: seed(),
      numRuns: scale(200, 5_000),
    });
  });
});
