import fc from 'fast-check';
import type { Position, RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { QUARANTINE_STREAM } from '../../src/event-sourcing/holds.js';
import { Quarantine } from '../../src/event-sourcing/quarantine.js';
import { type EventInspection, QuarantinedLog } from '../../src/event-sourcing/quarantined-log.js';
import { QuarantiningHandler } from '../../src/event-sourcing/quarantining-handler.js';
import { NotSetAside, releaseStream } from '../../src/event-sourcing/release.js';
import { StreamDamaged } from '../../src/event-sourcing/stream-damage.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { draft, expectedBy, following, HandClock } from './kernel-faulty-log.js';
import { MemoryLog } from './kernel-log.js';

const DAMAGED = 'Damaged';
const PREFIXES = ['customer-'];

const inspect: EventInspection = ({ stream, type, revision }) =>
  type === DAMAGED ? new StreamDamaged(stream, 'altered', revision) : undefined;

/** One process that reads the log; all of them read the same one. */
class Instance {
  readonly quarantine: Quarantine;
  readonly log: QuarantinedLog;
  constructor(inner: MemoryLog, clock: HandClock, freshMs = 0) {
    // What is known of holds is never fresh enough: nothing here takes an operator's time.
    this.quarantine = new Quarantine(inner, clock, undefined, freshMs);
    this.log = new QuarantinedLog(inner, this.quarantine, inspect);
  }
}

/** Goes along the log in steps, each from where the one before ended, and by whichever instance. */
class Reader {
  readonly got: RecordedEvent[] = [];
  private position: Position | undefined;

  /** At most so many events; all there are without a limit. */
  async step({ log }: Instance, limit = Infinity): Promise<void> {
    const end = new AbortController();
    let taken = 0;
    for await (const message of log.subscribe({ after: this.position, prefixes: PREFIXES, signal: end.signal })) {
      if (message.kind === 'caught_up') break;
      if (message.kind === 'event' && taken === limit) break;
      if (message.kind === 'event') this.got.push(message.event);
      taken += Number(message.kind === 'event');
      ({ position: this.position } = message.kind === 'event' ? message.event : message);
    }
    end.abort();
  }
}

class World {
  readonly clock = new HandClock();
  readonly inner = new MemoryLog();
  readonly instances = [new Instance(this.inner, this.clock), new Instance(this.inner, this.clock)];

  async write(stream: string, type = 'Happened'): Promise<void> {
    const events = following(stream, this.inner.stream(stream).at(-1), [draft(type)]);
    await this.inner.append(stream, expectedBy(events), events);
  }

  repair(stream: string): void {
    for (const [at, event] of this.inner.events.entries()) {
      if (event.stream === stream && event.type === DAMAGED) this.inner.events[at] = { ...event, type: 'Happened' };
    }
  }

  /** What was delivered long ago is written over. */
  alter(stream: string, revision: number): void {
    const at = this.inner.events.findIndex((event) => event.stream === stream && event.revision === revision);
    const event = this.inner.events[at];
    if (event !== undefined) this.inner.events[at] = { ...event, type: DAMAGED };
  }

  release(stream: string): Promise<number> {
    const requireRepaired = (events: readonly RecordedEvent[]): void => {
      for (const event of events) {
        const damage = inspect(event);
        if (damage !== undefined) throw damage;
      }
    };
    const actor = { type: 'system', id: 'test' } as const;
    return releaseStream({ store: this.inner, clock: this.clock, actor, requireRepaired }, stream);
  }
}

const namesOf = (events: readonly RecordedEvent[]): string[] =>
  events.map(({ stream, revision }) => `${stream}@${String(revision)}`);

type Step =
  | { readonly kind: 'write' | 'damage' | 'repair'; readonly stream: number }
  | { readonly kind: 'read'; readonly reader: number; readonly instance: number; readonly limit: number }
  | { readonly kind: 'restart'; readonly instance: number };

const STREAMS = ['customer-a', 'customer-b', 'customer-c'];
const stream = fc.nat(STREAMS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), stream }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('damage' as const), stream }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repair' as const), stream }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      reader: fc.nat(2),
      instance: fc.nat(1),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), instance: fc.nat(1) }) },
);

const alteration = fc.record({ kind: fc.constant('alter' as const), stream, revision: fc.nat(5), isMet: fc.boolean() });

async function take(world: World, readers: readonly Reader[], one: Step): Promise<void> {
  switch (one.kind) {
    case 'write':
      return world.write(STREAMS[one.stream]!);
    case 'damage':
      return world.write(STREAMS[one.stream]!, DAMAGED);
    case 'repair': {
      const name = STREAMS[one.stream]!;
      world.repair(name);
      await world.release(name).catch((error: unknown) => expect(error).toBeInstanceOf(NotSetAside));
      return;
    }
    case 'read':
      return readers[one.reader]!.step(world.instances[one.instance]!, one.limit);
    case 'restart':
      world.instances[one.instance] = new Instance(world.inner, world.clock);
      return;
    default:
      return one satisfies never;
  }
}

describe('What is held of a damaged stream', () => {
  it('comes to every reader once and in order after the release, whatever was read, damaged and released before', () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const world = new World();
        const readers = [new Reader(), new Reader(), new Reader()];
        for (const one of steps) {
          await take(world, readers, one);
          for (const { got } of readers) expect(got.filter(({ type }) => type === DAMAGED)).toEqual([]);
        }
        for (const name of STREAMS) await take(world, readers, { kind: 'repair', stream: STREAMS.indexOf(name) });
        for (const reader of readers) await reader.step(world.instances[0]!);
        for (const name of STREAMS) {
          const all = namesOf(world.inner.stream(name));
          for (const { got } of readers) expect(namesOf(got).filter((one) => one.startsWith(`${name}@`))).toEqual(all);
        }
      }),
      { seed: seed(), numRuns: scale(150, 5_000) },
    ));

  it('comes once to who begins behind it all, and is lost to nobody, also when what was delivered is altered later', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(step, alteration), { maxLength: 60 }), async (steps) => {
        const world = new World();
        const readers = [new Reader(), new Reader(), new Reader()];
        for (const one of steps) {
          if (one.kind !== 'alter') {
            await take(world, readers, one);
            continue;
          }
          world.alter(STREAMS[one.stream]!, one.revision);
          if (one.isMet) await new Reader().step(world.instances[0]!);
        }
        for (const name of STREAMS) await take(world, readers, { kind: 'repair', stream: STREAMS.indexOf(name) });
        const late = new Reader();
        for (const reader of [...readers, late]) await reader.step(world.instances[0]!);
        // Altered where nobody came by since, it is met now.
        for (const name of STREAMS) await take(world, readers, { kind: 'repair', stream: STREAMS.indexOf(name) });
        for (const reader of [...readers, late]) await reader.step(world.instances[1]!);
        for (const name of STREAMS) {
          const all = namesOf(world.inner.stream(name));
          expect(namesOf(late.got).filter((one) => one.startsWith(`${name}@`))).toEqual(all);
          for (const { got } of readers) expect(namesOf(got)).toEqual(expect.arrayContaining(all));
        }
      }),
      { seed: seed(), numRuns: scale(150, 5_000) },
    ));

  it('comes where the last hold that covers it was released, so that the order of the stream is kept', async () => {
    const world = new World();
    const [instance] = world.instances;
    for (const type of ['Happened', 'Happened', DAMAGED, 'Happened']) await world.write('customer-a', type);
    await new Reader().step(instance!);
    world.repair('customer-a');
    await world.release('customer-a');
    world.alter('customer-a', 1);
    await new Reader().step(instance!);
    world.repair('customer-a');
    expect(await world.release('customer-a')).toBe(3);
    const reader = new Reader();
    await reader.step(instance!);
    expect(namesOf(reader.got)).toEqual(namesOf(world.inner.stream('customer-a')));
  });

  it('is held by an instance that heard of nothing, where a reader goes on from what another has passed', async () => {
    const world = new World();
    const [one, other] = [new Instance(world.inner, world.clock), new Instance(world.inner, world.clock, 60_000)];
    await other.quarantine.catchUp();
    await world.write('customer-a', DAMAGED);
    const reader = new Reader();
    await reader.step(one);
    await world.write('customer-a');
    await reader.step(other);
    expect(namesOf(reader.got)).toEqual([]);
  });

  it("is in nobody's way: events of other streams come while it is held", async () => {
    const world = new World();
    await world.write('customer-a', DAMAGED);
    await world.write('customer-a');
    await world.write('customer-b');
    const reader = new Reader();
    await reader.step(world.instances[0]!);
    expect(namesOf(reader.got)).toEqual(['customer-b@0']);
    expect(world.instances[0]!.quarantine.open).toMatchObject([{ stream: 'customer-a', damage: 'altered', from: 0 }]);
    await world.instances[1]!.quarantine.catchUp();
    expect(() => world.instances[1]!.quarantine.refuse('customer-a')).toThrow(StreamDamaged);
  });

  it('is recorded once, whoever and how many meet it', async () => {
    const world = new World();
    await world.write('customer-a', DAMAGED);
    const damaged = new StreamDamaged('customer-a', 'altered', 0);
    const meet = world.instances.flatMap(({ quarantine }) => [
      quarantine.setAside(damaged),
      quarantine.setAside(damaged),
    ]);
    await Promise.all(meet);
    expect(world.inner.stream(QUARANTINE_STREAM)).toHaveLength(1);
  });

  it('stays held while the stream is not repaired, and a release that was broken off goes on behind its last mark', async () => {
    const world = new World();
    await world.write('customer-a');
    await world.write('customer-a', DAMAGED);
    for (let n = 0; n < 120; n += 1) await world.write('customer-a');
    const reader = new Reader();
    await reader.step(world.instances[0]!);
    await expect(world.release('customer-a')).rejects.toMatchObject({ revision: 1 });
    world.repair('customer-a');
    const append = world.inner.append.bind(world.inner);
    let left = 1;
    world.inner.append = (...call) => (left-- > 0 ? append(...call) : Promise.reject(new Error('killed')));
    await expect(world.release('customer-a')).rejects.toThrow('killed');
    world.inner.append = append;
    await reader.step(world.instances[0]!);
    expect(await world.release('customer-a')).toBe(121);
    await reader.step(world.instances[1]!);
    expect(namesOf(reader.got)).toEqual(namesOf(world.inner.stream('customer-a')));
    await expect(world.release('customer-a')).rejects.toThrow(NotSetAside);
  });
});

describe('A handler that finds a stream damaged', () => {
  const handled: string[] = [];
  const handlerThat = (fail: (events: readonly RecordedEvent[]) => void): QuarantiningHandler =>
    new QuarantiningHandler(
      {
        name: 'views',
        prefixes: PREFIXES,
        checkpointName: () => Promise.resolve('views'),
        handle: async (events) => {
          fail(events);
          handled.push(...namesOf(events));
        },
      },
      world.instances[0]!.quarantine,
    );
  let world: World;
  beforeEach(async () => {
    world = new World();
    handled.length = 0;
    for (const name of ['customer-a', 'customer-b', 'customer-a', 'customer-b']) await world.write(name);
  });
  const { signal } = new AbortController();

  it('is handed the rest of the batch again: what came before the damage, and all others', async () => {
    const handler = handlerThat((events) => {
      if (events.some((event) => event.stream === 'customer-a' && event.revision === 1)) {
        throw new StreamDamaged('customer-a', 'altered', 1);
      }
    });
    await handler.handle(world.inner.events.slice(), signal);
    expect(handled).toEqual(['customer-a@0', 'customer-b@0', 'customer-b@1']);
  });

  it('that is not in the batch itself is left out with the events that led there', async () => {
    const handler = handlerThat((events) => {
      if (events.some((event) => event.stream === 'customer-a')) throw new StreamDamaged('customer-z', 'removed');
    });
    await handler.handle(world.inner.events.slice(), signal);
    expect(handled).toEqual(['customer-b@0', 'customer-b@1']);
    expect(world.instances[0]!.quarantine.isSetAside('customer-z')).toBe(true);
  });

  it('fails for all where it fails for any other reason', async () => {
    const handler = handlerThat(() => {
      throw new Error('The views are away');
    });
    await expect(handler.handle(world.inner.events.slice(), signal)).rejects.toThrow('The views are away');
    expect(world.inner.stream(QUARANTINE_STREAM)).toEqual([]);
  });
});
