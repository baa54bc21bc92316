import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import {
  type EventStore,
  type JsonObject,
  NotJson,
  WrongExpectedRevision,
} from '../../src/event-sourcing/event-store.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { describeSubscriptions } from './event-subscriptions.contract.js';
import { anotherOf } from './harness.js';
import { event, events, type EventStoreHarness, LogUnderTest } from './log-under-test.js';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );

/** What every EventStore promises. @param shared whether other processes can open the same log */
export function describeEventStore(name: string, makeStore: () => Promise<EventStoreHarness>, shared = true): void {
  describe(`EventStore: ${name}`, () => {
    let log: LogUnderTest;
    let store: EventStore;
    let prefix: string;
    let stream: string;

    beforeEach(async () => {
      log = new LogUnderTest(await makeStore());
      ({ store, prefix, stream } = log);
    });
    afterEach(() => log.close());

    const expectRefused = async (append: Promise<unknown>): Promise<void> => {
      expect(await failure(append)).toBeInstanceOf(WrongExpectedRevision);
    };

    describe('appending and reading', () => {
      it('reads an absent stream as empty', async () => {
        expect(await store.read(stream)).toEqual([]);
      });

      it('finds no damage in a stream that never was, nor in one that is whole', async () => {
        expect(await store.damageOf(stream)).toBeUndefined();
        await store.append(stream, 'no_stream', events(2));
        expect(await store.damageOf(stream)).toBeUndefined();
      });

      it('gives back what was appended, in order, numbered from 0', async () => {
        const written = events(5);
        await store.append(stream, 'no_stream', written.slice(0, 2));
        await store.append(stream, 1, written.slice(2));
        const read = await store.read(stream);
        expect(read).toMatchObject(written.map((one, revision) => ({ ...one, stream, revision })));
        for (const [index, { position, recordedAt }] of read.entries()) {
          const previous = read[index - 1];
          if (previous !== undefined) expect(store.comparePositions(previous.position, position)).toBeLessThan(0);
          expect(recordedAt).toBeGreaterThan(Date.UTC(2020));
        }
      });

      it('answers revision and position of the last event', async () => {
        const appended = await store.append(stream, 'no_stream', events(3));
        expect(appended.revision).toBe(2);
        const last = (await store.read(stream)).at(-1)!;
        expect(store.comparePositions(last.position, appended.position)).toBe(0);
        expect(last.revision).toBe(2);
      });

      it('reads from a revision and no further than the limit', async () => {
        await store.append(stream, 'no_stream', events(6));
        const revisions = async (options: { from?: number; limit?: number }): Promise<number[]> =>
          (await store.read(stream, options)).map(({ revision }) => revision);
        expect(await revisions({ from: 4 })).toEqual([4, 5]);
        expect(await revisions({ limit: 2 })).toEqual([0, 1]);
        expect(await revisions({ from: 2, limit: 3 })).toEqual([2, 3, 4]);
        expect(await revisions({ from: 6 })).toEqual([]);
      });

      it('reads a stream whole however long it is', async () => {
        await store.append(stream, 'no_stream', events(700));
        await store.append(stream, 699, events(700));
        expect((await store.read(stream)).map(({ revision }) => revision)).toEqual([...Array(1400).keys()]);
      });

      it('keeps streams apart whose names begin alike', async () => {
        await store.append(stream, 'no_stream', events(1));
        await store.append(`${stream}1`, 'no_stream', events(2));
        expect(await store.read(stream)).toHaveLength(1);
        expect(await store.read(`${stream}1`)).toHaveLength(2);
      });

      it('refuses an expectation that is stale, too high or of no stream, and leaves nothing behind', async () => {
        await expectRefused(store.append(stream, 0, events(1)));
        await store.append(stream, 'no_stream', events(2));
        await expectRefused(store.append(stream, 'no_stream', events(2)));
        await expectRefused(store.append(stream, 0, events(2)));
        await expectRefused(store.append(stream, 2, events(2)));
        expect(await store.read(stream)).toHaveLength(2);
        expect(await store.append(stream, 1, events(1))).toMatchObject({ revision: 2 });
      });

      it('says in its refusal which stream was not where it was expected', async () => {
        expect(await failure(store.append(stream, 7, events(1)))).toMatchObject({ stream, expected: 7 });
      });

      it.each(['no_stream', 0] as const)('lets exactly one of 64 writers win who all expect %s', async (expected) => {
        if (expected === 0) await store.append(stream, 'no_stream', events(1));
        const writers = Array.from({ length: 64 }, () => events(3));
        const results = await Promise.allSettled(writers.map((written) => store.append(stream, expected, written)));
        const won = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
        expect(won).toHaveLength(1);
        for (const result of results) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(WrongExpectedRevision);
        }
        const read = await store.read(stream, { from: expected === 0 ? 1 : 0 });
        expect(read.map(({ id }) => id)).toEqual(writers[won[0]!]!.map(({ id }) => id));
      });

      it('never shows a part of an append', async () => {
        let done = false;
        const seen = new Set<number>();
        const looking = (async () => {
          while (!done) {
            seen.add((await store.read(stream)).length % 5);
            await turn();
          }
        })();
        for (let n = 0; n < 30; n += 1) await store.append(stream, n === 0 ? 'no_stream' : n * 5 - 1, events(5));
        done = true;
        await looking;
        expect([...seen]).toEqual([0]);
      });
    });

    describe('the same append again', () => {
      it('is one append with the first result, also when more came after it', async () => {
        const first = events(3);
        const second = events(2);
        const one = await store.append(stream, 'no_stream', first);
        const two = await store.append(stream, 2, second);
        expect(await store.append(stream, 2, second)).toEqual(two);
        expect(await store.append(stream, 'no_stream', first)).toEqual(one);
        expect(await store.read(stream)).toHaveLength(5);
      });

      it('is one append when both are under way at once', async () => {
        const written = events(2);
        const results = await Promise.all([1, 2, 3, 4].map(() => store.append(stream, 'no_stream', written)));
        expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
        expect(await store.read(stream)).toHaveLength(2);
      });

      it('is refused with a new event behind it, and nothing of it is written', async () => {
        const known = event();
        await store.append(stream, 'no_stream', [known]);
        await expectRefused(store.append(stream, 'no_stream', [known, event()]));
        expect(await store.read(stream)).toHaveLength(1);
      });

      it('is refused at another stale expectation', async () => {
        const [first, second] = [event(), event()];
        await store.append(stream, 'no_stream', [first, second]);
        await expectRefused(store.append(stream, 'no_stream', [second]));
        await expectRefused(store.append(stream, 'no_stream', [second, first]));
        expect(await store.read(stream)).toHaveLength(2);
      });
    });

    describe('what an event carries', () => {
      const survives = async (value: JsonObject): Promise<void> => {
        const own = `${prefix}${randomUUID()}`;
        await store.append(own, 'no_stream', [event(value, value)]);
        expect(await store.read(own)).toMatchObject([{ data: value, metadata: value }]);
        expect((await store.read(own))[0]!.data).toEqual(value);
      };

      it.each<[string, JsonObject]>([
        ['nothing', {}],
        ['empty parts', { object: {}, list: [], text: '', nested: { list: [{}, [], [[]]] } }],
        ['unicode', { text: 'Grüße, 你好, 👩‍👩‍👧, e\u0301 é, \u202e, \ufeff', 'ключ 🔑': 1 }],
        ['control characters', { text: '\u0000 \u0001 \n \r \t \u007f \u2028 \\ " /' }],
        ['dates as texts', { at: '2026-02-29T23:59:60.123456Z', day: '2026-01-01' }],
        ['numbers', { large: 2 ** 53 - 1, small: 5e-324, most: Number.MAX_VALUE, negative: -1.5, zero: 0 }],
        ['null and booleans', { nothing: null, yes: true, no: false }],
        ['names with a meaning elsewhere', JSON.parse('{"__proto__":{"a":1},"constructor":1,"$set":1,"a.b":1,"":2}')],
        ['a long text', { text: 'x'.repeat(200_000) }],
      ])('survives: %s', (_, value) => survives(value));

      it('survives whatever JSON can carry', () =>
        fc.assert(
          fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }), json), (value) => survives(value)),
          { seed: seed(), numRuns: scale(40, 2000) },
        ));

      const cycle: Record<string, unknown> = {};
      cycle.self = [{ cycle }, cycle];
      it.each<[string, unknown]>([
        ['undefined', undefined],
        ['a function', () => 1],
        ['a symbol', Symbol('s')],
        ['a bigint', 1n],
        ['NaN', NaN],
        ['Infinity', -Infinity],
        ['a date', new Date(0)],
        ['a map', new Map()],
        ['bytes', new Uint8Array(2)],
        ['an instance', new Money()],
        ['a hole in a list', Array(1)],
        ['a value that contains itself', cycle],
        ['half a surrogate pair', 'x\ud800y'],
      ])('refuses what JSON cannot carry before anything is written: %s', async (_, value) => {
        const carrier = { nested: [{ value }] } as unknown as JsonObject;
        expect(await failure(store.append(stream, 'no_stream', [event(), event(carrier)]))).toBeInstanceOf(NotJson);
        expect(await failure(store.append(stream, 'no_stream', [event({}, carrier)]))).toBeInstanceOf(NotJson);
        expect(await store.read(stream)).toEqual([]);
      });

      it('takes the same object twice, which is no cycle', async () => {
        const twice = { a: 1 };
        await survives({ one: twice, two: [twice, twice] });
      });

      it('is what it was at the call, whatever happens to the object after it', async () => {
        const data = { n: 1 };
        const appending = store.append(stream, 'no_stream', [event(data)]);
        data.n = 2;
        await appending;
        expect((await store.read(stream))[0]!.data).toEqual({ n: 1 });
      });
    });

    describeSubscriptions(() => log);

    describe('the log as a whole', () => {
      it('has its head at the newest event', async () => {
        const { position } = await store.append(stream, 'no_stream', events(2));
        const head = await store.head();
        expect(head !== undefined && store.comparePositions(head, position)).toBeGreaterThanOrEqual(0);
      });

      it('has one id', async () => {
        const id = await store.logId();
        expect(id).not.toBe('');
        await store.append(stream, 'no_stream', events(1));
        expect(await store.logId()).toBe(id);
      });

      it('tells roughly how much of it lies before a position', async () => {
        await store.append(stream, 'no_stream', events(10));
        const read = await store.read(stream);
        const head = (await store.head())!;
        const parts = read.map(({ position }) => store.fraction(position, head));
        expect(parts).toEqual([...parts].sort((a, b) => a - b));
        expect(parts[0]).toBeGreaterThanOrEqual(0);
        expect(store.fraction(head, head)).toBe(1);
      });

      it('is healthy', () => expect(store.health()).resolves.toBeUndefined());
    });

    if (!shared) return;
    describe('another process', () => {
      const withAnother = async (work: (other: EventStore) => Promise<void>): Promise<void> => {
        const other = await anotherOf(log.harness);
        await work(other);
      };

      it('sees the same log', () =>
        withAnother(async (other) => {
          await store.append(stream, 'no_stream', events(2));
          expect(await other.read(stream)).toEqual(await store.read(stream));
          expect(await other.logId()).toBe(await store.logId());
        }));

      it('is followed', () =>
        withAnother(async (other) => {
          const followed = await log.follow().untilCaughtUp();
          await other.append(stream, 'no_stream', events(3));
          await followed.untilEvents(3);
          await store.append(stream, 2, events(1));
          await other.append(stream, 3, events(1));
          await followed.untilEvents(5);
          expect(followed.events).toEqual(await other.read(stream));
        }));

      it('writes at the same time, and exactly one wins each place', () =>
        withAnother(async (other) => {
          let won = 0;
          for (let n = 0; n < 25; n += 1) {
            const writers = [store, other, store, other].map((one) =>
              one.append(stream, n === 0 ? 'no_stream' : n - 1, events(1)),
            );
            const results = await Promise.allSettled(writers);
            won += results.filter(({ status }) => status === 'fulfilled').length;
          }
          expect(won).toBe(25);
          expect(await other.read(stream)).toHaveLength(25);
        }));

      it('is answered the first result when it repeats an append', () =>
        withAnother(async (other) => {
          const written = events(2);
          const result = await store.append(stream, 'no_stream', written);
          expect(await other.append(stream, 'no_stream', written)).toEqual(result);
        }));
    });
  });
}

/** Without -0, which JSON text has but `JSON.stringify` does not write. */
const json = fc.jsonValue({ stringUnit: 'grapheme' }).map((value) => JSON.parse(JSON.stringify(value)));

class Money {
  readonly cents = 1;
}
