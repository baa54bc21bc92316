import { randomUUID } from 'node:crypto';
import { StreamDamaged } from '../../src/event-sourcing/stream-damage.js';
import { PrefixedEventStore } from '../../src/stores/eventstoredb/prefixed-event-store.js';
import { event, events } from '../contracts/log-under-test.js';
import { World } from './eventstoredb-world.js';

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  );

describe('A stream on EventStoreDB that an operator touched', () => {
  let world: World;
  let stream: string;
  beforeAll(async () => {
    // Nothing here waits for a time-out.
    world = await World.begin({ appendMs: 20_000, readMs: 20_000, healthMs: 20_000 });
  });
  afterAll(() => world.end());
  beforeEach(async () => {
    stream = `customer-${randomUUID()}`;
    await world.store.append(stream, 'no_stream', events(3));
  });

  it('for good is damage and no outage, for who reads and who appends', async () => {
    world.server.log.tombstone(stream);
    for (const work of [
      world.store.read(stream),
      world.store.append(stream, 2, events(1)),
      world.store.append(stream, 'no_stream', events(1)),
    ]) {
      const error = await failure(work);
      expect(error).toBeInstanceOf(StreamDamaged);
      expect(error).toMatchObject({ stream, damage: 'removed' });
    }
    expect(await world.store.damageOf(stream)).toBe('removed');
  });

  it('softly reads as absent, and its metadata tell it from one that never was', async () => {
    world.server.log.softDelete(stream);
    expect(await world.store.read(stream)).toEqual([]);
    expect(await world.store.damageOf(stream)).toBe('removed');
    expect(await world.store.damageOf(`customer-${randomUUID()}`)).toBeUndefined();
    // The server lets it begin anew, at the old revision: whoever hashed the event for the first place is told.
    const { revision } = await world.store.append(stream, 'no_stream', events(1));
    expect(revision).toBe(3);
    expect(await world.store.damageOf(stream)).toBe('cut');
  });

  it('by a truncation is cut for as long as that lasts, and reads on from where it begins however long it is', async () => {
    await world.store.append(stream, 2, events(1_200));
    world.server.log.truncate(stream, 2);
    expect(await world.store.damageOf(stream)).toBe('cut');
    const read = await world.store.read(stream);
    expect(read.map(({ revision }) => revision)).toEqual(Array.from({ length: 1_201 }, (_, at) => at + 2));
    world.server.log.truncate(stream, 0);
    expect(await world.store.damageOf(stream)).toBeUndefined();
  });

  it('is named to who follows the log, in its place among the events', async () => {
    const followed = await world.follow().untilCaughtUp();
    const seen = followed.messages.length;
    const streams = {
      soft: `customer-${randomUUID()}`,
      cut: `customer-${randomUUID()}`,
      gone: `source-${randomUUID()}`,
    };
    for (const name of Object.values(streams)) await world.store.append(name, 'no_stream', events(1));
    world.server.log.softDelete(streams.soft);
    world.server.log.truncate(streams.cut, 1);
    world.server.log.truncate(streams.cut, 0);
    world.server.log.tombstone(streams.gone);
    await world.store.append(`customer-${randomUUID()}`, 'no_stream', events(1));
    await followed.untilEvents(followed.events.length + 1);
    await followed.until(({ messages }) => messages.slice(seen).filter(({ kind }) => kind === 'event').length === 4);
    const suspects = followed.messages
      .slice(seen)
      .flatMap((message) => (message.kind === 'checkpoint' && message.suspect !== undefined ? [message.suspect] : []));
    expect(suspects).toEqual([streams.soft, streams.cut, streams.gone]);
  });

  it('by an event that is no JSON shows it as unreadable, and goes on behind it', async () => {
    const payload = { id: randomUUID(), type: 'Happened', contentType: 'application/json' };
    const followed = await world.follow().untilCaughtUp();
    const before = followed.events.length;
    for (const text of ['{"half', '[]', '', 'null', '\u0000']) {
      const bytes = Buffer.from(text);
      world.server.log.append(stream, 'any', [{ ...payload, id: randomUUID(), data: bytes, metadata: bytes }]);
    }
    await world.store.append(stream, 7, [event()]);
    const unreadable = [true, true, true, true, true, undefined];
    const read = await world.store.read(stream, { from: 3 });
    expect(read.map((one) => one.unreadable)).toEqual(unreadable);
    await followed.untilEvents(before + 6);
    expect(followed.events.slice(before).map((one) => one.unreadable)).toEqual(unreadable);
  });

  it('is named without the prefix of the environment', async () => {
    const log = new PrefixedEventStore(world.store, 'customer-');
    const name = randomUUID();
    await log.append(name, 'no_stream', events(1));
    const end = new AbortController();
    const messages = log.subscribe({ signal: end.signal });
    world.server.log.tombstone(`customer-${name}`);
    let suspect: string | undefined;
    for await (const message of messages) {
      if (message.kind === 'checkpoint' && message.suspect === name) {
        ({ suspect } = message);
        end.abort();
      }
    }
    expect(suspect).toBe(name);
    expect(await failure(log.read(name))).toMatchObject({ stream: name, damage: 'removed' });
    expect(await log.damageOf(name)).toBe('removed');
  });
});
