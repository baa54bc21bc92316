import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import type { EventStore, Position, SubscriptionMessage } from '../../src/event-sourcing/event-store.js';
import type { Followed } from './followed.js';
import { event, events, type LogUnderTest } from './log-under-test.js';

/** What every EventStore promises of its subscriptions: a part of its contract. */
export function describeSubscriptions(log: () => LogUnderTest): void {
  describe('subscribing', () => {
    let store: EventStore;
    let prefix: string;
    let stream: string;

    beforeEach(() => {
      ({ store, prefix, stream } = log());
    });

    it('shows every event once and in order, whether it began before, during or after the appends', async () => {
      const before = await log().follow().untilCaughtUp();
      let during: Followed | undefined;
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < 40; n += 1) {
          const expected = n === 0 ? 'no_stream' : n * 2 - 1;
          await store.append(`${prefix}${writer}`, expected, events(2));
          if (writer === 0 && n === 20) during = log().follow();
        }
      });
      await Promise.all(writers);
      const after = log().follow();
      const shown = await Promise.all([before, during!, after].map((followed) => followed.untilEvents(640)));
      await Promise.all(shown.map((followed) => followed.untilCaughtUp()));
      for (const { events: seen } of shown) {
        expect(seen).toHaveLength(640);
        expect(seen).toEqual(after.events);
        for (const [index, one] of seen.entries()) {
          if (index > 0) expect(store.comparePositions(seen[index - 1]!.position, one.position)).toBeLessThan(0);
        }
      }
      for (let writer = 0; writer < 8; writer += 1) {
        const own = after.events.filter((one) => one.stream === `${prefix}${writer}`);
        expect(own.map(({ revision }) => revision)).toEqual([...Array(80).keys()]);
      }
    });

    it('shows the same as reading', async () => {
      await store.append(stream, 'no_stream', [event({ é: [null, {}] }, { at: 1 }), event()]);
      const followed = await log().follow().untilEvents(2);
      expect(followed.events).toEqual(await store.read(stream));
    });

    it('resumes after a position, which it leaves out', async () => {
      await store.append(stream, 'no_stream', events(5));
      const read = await store.read(stream);
      const followed = await log().follow([prefix], read[1]!.position).untilEvents(3);
      expect(followed.events).toEqual(read.slice(2));
      const appended = await store.append(stream, 4, events(1));
      const live = await log().follow([prefix], appended.position).untilCaughtUp();
      expect(live.events).toEqual([]);
      await store.append(stream, 5, events(1));
      expect((await live.untilEvents(1)).events).toMatchObject([{ revision: 6 }]);
    });

    it('shows all that comes after the head of the log, whatever others write before and after it', async () => {
      await store.append(stream, 'no_stream', events(2));
      const head = await store.head();
      for (let n = 0; n < 3; n += 1) await store.append(`foreign${randomUUID()}`, 'no_stream', events(40));
      await store.head();
      const followed = log().follow([prefix], head);
      await store.append(stream, 1, events(2));
      await store.head();
      await followed.untilEvents(2);
      const late = await log().follow([prefix], head).untilEvents(2);
      for (const { events: seen } of [followed, late]) expect(seen.map(({ revision }) => revision)).toEqual([2, 3]);
    });

    it('resumes at any event of a long log without loss or repetition', async () => {
      await store.append(stream, 'no_stream', events(1203));
      const read = await store.read(stream);
      for (const index of [0, 498, 499, 500, 1000, 1201]) {
        const followed = await log()
          .follow([prefix], read[index]!.position)
          .untilEvents(1202 - index);
        expect(followed.events.map(({ revision }) => revision)).toEqual(
          read.slice(index + 1).map(({ revision }) => revision),
        );
      }
    });

    it('shows only streams that begin with one of the prefixes', async () => {
      for (const kind of ['a', 'b', 'c', 'ab']) await store.append(`${prefix}${kind}-1`, 'no_stream', events(1));
      const followed = await log()
        .follow([`${prefix}a-`, `${prefix}c`])
        .untilEvents(2);
      await followed.untilCaughtUp();
      expect(followed.events.map((one) => one.stream)).toEqual([`${prefix}a-1`, `${prefix}c-1`]);
    });

    it('marks how far it has come where nothing wanted stands, and resuming there skips nothing', async () => {
      await store.append(`${prefix}a`, 'no_stream', events(1));
      for (let n = 0; n < 10; n += 1) await store.append(`${prefix}b${n}`, 'no_stream', events(200));
      const followed = log().follow([`${prefix}a`]);
      const wanted = (await followed.untilEvents(1)).events[0]!;
      const markOf = (message: SubscriptionMessage): Position[] =>
        message.kind === 'checkpoint' && store.comparePositions(message.position, wanted.position) > 0
          ? [message.position]
          : [];
      await followed.until(({ messages }) => messages.flatMap(markOf).length > 0);
      const mark = followed.messages.flatMap(markOf).at(-1);
      const resumed = log().follow([`${prefix}a`, `${prefix}z`], mark);
      await store.append(`${prefix}z`, 'no_stream', events(1));
      await resumed.untilEvents(1);
      expect(resumed.events).toMatchObject([{ stream: `${prefix}z` }]);
    });

    it('never lets a mark overtake an event before it', async () => {
      for (let n = 0; n < 20; n += 1) {
        await store.append(`${prefix}a${n}`, 'no_stream', events(3));
        await store.append(`${prefix}b${n}`, 'no_stream', events(60));
      }
      const followed = await log()
        .follow([`${prefix}a`])
        .untilEvents(60);
      let reached: Position | undefined;
      for (const message of followed.messages) {
        if (message.kind === 'caught_up') continue;
        const position = message.kind === 'event' ? message.event.position : message.position;
        if (reached !== undefined) {
          const order = store.comparePositions(reached, position);
          expect(message.kind === 'event' ? order < 0 : order <= 0).toBe(true);
        }
        reached = position;
      }
    });

    it('says that it has caught up after all that was there, not before', async () => {
      await store.append(stream, 'no_stream', events(1200));
      const followed = await log().follow().untilCaughtUp();
      const caughtUp = followed.messages.findIndex(({ kind }) => kind === 'caught_up');
      expect(followed.messages.slice(0, caughtUp).filter(({ kind }) => kind === 'event')).toHaveLength(1200);
    });

    it('says that it has caught up when there is nothing', async () => {
      expect((await log().follow().untilCaughtUp()).events).toEqual([]);
    });

    it('ends cleanly when its signal aborts, also before it begins', async () => {
      const followed = await log().follow().untilCaughtUp();
      expect(await followed.stop()).toBeUndefined();
      const seen: SubscriptionMessage[] = [];
      await store.append(stream, 'no_stream', events(1));
      for await (const message of store.subscribe({ prefixes: [prefix], signal: AbortSignal.abort() })) {
        seen.push(message);
      }
      expect(seen).toEqual([]);
    });

    it('ends at an abort in the midst of what is there', async () => {
      await store.append(stream, 'no_stream', events(20));
      const end = new AbortController();
      const seen: SubscriptionMessage[] = [];
      for await (const message of store.subscribe({ prefixes: [prefix], signal: end.signal })) {
        seen.push(message);
        if (seen.length === 3) end.abort();
      }
      expect(seen).toHaveLength(3);
    });

    it('can be left early, which leaves nothing behind', async () => {
      await store.append(stream, 'no_stream', events(3));
      const { signal } = new AbortController();
      for (let n = 0; n < 20; n += 1) {
        for await (const message of store.subscribe({ prefixes: [prefix], signal })) {
          // A log that is shared with others has marks of its own before it.
          if (message.kind === 'checkpoint') continue;
          expect(message).toMatchObject({ kind: 'event', event: { revision: 0 } });
          break;
        }
      }
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      expect((await log().follow().untilEvents(3)).events).toHaveLength(3);
    });

    it('can be left while it waits for more', async () => {
      const { signal } = new AbortController();
      const messages = store.subscribe({ prefixes: [prefix], signal })[Symbol.asyncIterator]();
      while ((await messages.next()).value?.kind !== 'caught_up');
      const waiting = messages.next();
      await messages.return?.();
      expect(await waiting).toMatchObject({ done: true });
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    it('is refused after a position that the log has not reached', async () => {
      await store.append(stream, 'no_stream', events(1));
      expect(await log().follow([prefix], log().harness.beyondTheEnd).ended).toBeInstanceOf(Error);
    });
  });
}
