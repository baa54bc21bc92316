import { randomUUID } from 'node:crypto';
import {
  type AppendExpectedRevision,
  type AppendResult,
  BACKWARDS,
  END,
  EventStoreDBClient,
  type JSONEventData,
  NO_STREAM,
  type ResolvedEvent,
  StreamDeletedError,
  StreamNotFoundError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { happened, Heard, many, PATHS, until } from './raw-client.js';
import { EventStoreDbServer } from './server.js';

describe('the EventStoreDB server for tests', () => {
  let server: EventStoreDbServer;
  let client: EventStoreDBClient;
  let stream: string;

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    client = EventStoreDBClient.connectionString`${server.url}`;
    stream = `test-${randomUUID()}`;
  });
  afterEach(async () => {
    await client.dispose();
    await server.stop();
  });

  const append = (
    expectedRevision: AppendExpectedRevision,
    written: JSONEventData[],
    path: keyof typeof PATHS = 'batch',
  ): Promise<AppendResult> => client.appendToStream(stream, written, { expectedRevision, ...PATHS[path] });

  const read = async (options: Parameters<typeof client.readStream>[1] = {}): Promise<ResolvedEvent[]> => {
    const found: ResolvedEvent[] = [];
    for await (const event of client.readStream(stream, options)) found.push(event);
    return found;
  };
  const revisions = async (options?: Parameters<typeof client.readStream>[1]): Promise<number[]> =>
    (await read(options)).map(({ event }) => Number(event?.revision));

  describe.each(['batch', 'classic'] as const)('appending, %s', (path) => {
    it('answers revision and position of the last event, whose commit and prepare are the same', async () => {
      const written = many(3);
      const result = await append(NO_STREAM, written, path);
      const [, , last] = await read();
      expect(result).toEqual({ success: true, nextExpectedRevision: 2n, position: last!.event!.position });
      expect(result.position!.commit).toBe(result.position!.prepare);
      const { id, type, data } = written[2]!;
      expect(last!.event).toMatchObject({ id, type, data, streamId: stream, revision: 2n, isJson: true });
    });

    it.each([
      [NO_STREAM, 'no_stream', 1n],
      [0n, 0n, 1n],
      [7n, 7n, 1n],
    ] as const)('refuses %s where the stream is at 1, without a message', async (expected, told, actual) => {
      await append(NO_STREAM, many(2), path);
      const refusal = await append(expected, many(1), path).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(WrongExpectedVersionError);
      expect(refusal).toMatchObject({ message: '', streamName: stream, expectedVersion: told, actualVersion: actual });
      expect(await read()).toHaveLength(2);
    });

    it('names an absent stream no_stream in its refusal', async () => {
      await expect(append(3n, many(1), path)).rejects.toMatchObject({
        expectedVersion: 3n,
        actualVersion: 'no_stream',
      });
    });

    it('answers the same ids at the same revision as the first time, also after a restart, whatever they carry', async () => {
      const first = many(2);
      const second = many(1);
      const results = [await append(NO_STREAM, first, path), await append(1n, second, path)];
      const other = first.map((event) => ({ ...event, data: { other: true } }));
      expect([await append(NO_STREAM, other, path), await append(1n, second, path)]).toEqual(results);
      server.log.forgetRecent();
      expect([await append(NO_STREAM, first, path), await append(1n, second, path)]).toEqual(results);
      expect(await read()).toHaveLength(3);
    });

    it('writes the same ids again at the revision that they have led to', async () => {
      const written = many(1);
      await append(NO_STREAM, written, path);
      expect(await append(0n, written, path)).toMatchObject({ nextExpectedRevision: 1n });
    });

    it('knows the same ids at any revision until it is restarted', async () => {
      const written = many(1);
      const first = await append('any', written, path);
      expect(await append('any', written, path)).toEqual(first);
      server.log.forgetRecent();
      expect(await append('any', written, path)).toMatchObject({ nextExpectedRevision: 1n });
    });

    it('writes nothing of a known and a new event at the old revision', async () => {
      const known = happened();
      await append(NO_STREAM, [known], path);
      await expect(append(NO_STREAM, [known, happened()], path)).rejects.toBeInstanceOf(WrongExpectedVersionError);
      expect(await revisions()).toEqual([0]);
    });

    it('lets one of many writers win', async () => {
      const results = await Promise.allSettled(Array.from({ length: 32 }, () => append(NO_STREAM, many(2), path)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await read()).toHaveLength(2);
    });

    it('refuses a stream deleted for good', async () => {
      await append(NO_STREAM, many(1), path);
      await client.tombstoneStream(stream);
      await expect(append(0n, many(1), path)).rejects.toBeInstanceOf(StreamDeletedError);
    });
  });

  it('takes an append of several messages whole', async () => {
    await client.appendToStream(stream, many(50), { expectedRevision: NO_STREAM, batchAppendSize: 500 });
    expect(await read()).toHaveLength(50);
    expect(server.log.stream(stream).map(({ revision }) => revision)).toEqual([...Array(50).keys()]);
  });

  describe('reading', () => {
    it('says within the iteration that a stream is absent, deleted or deleted for good', async () => {
      await expect(read()).rejects.toBeInstanceOf(StreamNotFoundError);
      await append(NO_STREAM, many(2));
      await client.deleteStream(stream);
      await expect(read()).rejects.toBeInstanceOf(StreamNotFoundError);
      expect(await append(NO_STREAM, many(1))).toMatchObject({ nextExpectedRevision: 2n });
      expect(await revisions()).toEqual([2]);
      await client.tombstoneStream(stream);
      await expect(read()).rejects.toBeInstanceOf(StreamDeletedError);
    });

    it('goes both ways from where it is told, no further than the count', async () => {
      await append(NO_STREAM, many(5));
      expect(await revisions({ fromRevision: 3n })).toEqual([3, 4]);
      expect(await revisions({ fromRevision: 1n, maxCount: 2 })).toEqual([1, 2]);
      expect(await revisions({ fromRevision: 5n })).toEqual([]);
      expect(await revisions({ direction: BACKWARDS, fromRevision: END, maxCount: 2 })).toEqual([4, 3]);
      expect(await revisions({ direction: BACKWARDS, fromRevision: 2n })).toEqual([2, 1, 0]);
      expect(await revisions({ direction: BACKWARDS })).toEqual([0]);
    });

    it('shows the whole log, also from its end', async () => {
      const { position } = await append(NO_STREAM, many(3));
      const all = async (options: Parameters<typeof client.readAll>[0]): Promise<(string | undefined)[]> => {
        const found: (string | undefined)[] = [];
        for await (const { event } of client.readAll(options)) found.push(`${event?.streamId}@${event?.revision}`);
        return found;
      };
      expect(await all({ direction: BACKWARDS, fromPosition: END, maxCount: 1 })).toEqual([`${stream}@2`]);
      expect((await all({})).at(-1)).toBe(`${stream}@2`);
      expect((await all({})).some((name) => name?.startsWith('$'))).toBe(true);
      expect(await all({ fromPosition: position! })).toEqual([`${stream}@2`]);
      expect(await all({ direction: BACKWARDS, fromPosition: position!, maxCount: 1 })).toEqual([`${stream}@1`]);
    });
  });

  describe('subscribing', () => {
    it('shows what is there, says so, then what comes, in order', async () => {
      await append(NO_STREAM, many(300));
      const heard = await new Heard(client).untilSaid('caughtUp');
      await append(299n, many(20));
      await heard.untilEvents(320);
      expect(heard.revisions).toEqual([...Array(320).keys()]);
      expect(heard.said).toEqual(['confirmation', 'caughtUp']);
    });

    it('sends of a log of others only marks, and counts what it sends and what it looks at', async () => {
      server.log.writeForeign(10_000);
      await append(NO_STREAM, many(2));
      const heard = await new Heard(client, { maxSearchWindow: 1_000 }).untilSaid('caughtUp');
      await heard.untilEvents(2);
      expect(server.sent).toMatchObject({ events: 2, marks: 10, scanned: 10_004 });
      expect(await revisions()).toEqual([0, 1]);
      expect(server.sent).toMatchObject({ events: 4, reads: new Map([[stream, 1]]) });
    });

    it('resumes after a position, exclusively', async () => {
      await append(NO_STREAM, many(5));
      const [, second] = await read();
      const heard = await new Heard(client, { fromPosition: second!.event!.position! }).untilSaid('caughtUp');
      await heard.untilEvents(3);
      expect(heard.revisions).toEqual([2, 3, 4]);
    });

    it('shows only what comes from its end', async () => {
      await append(NO_STREAM, many(2));
      const heard = await new Heard(client, { fromPosition: END }).untilSaid('caughtUp');
      await append(1n, many(1));
      expect((await heard.untilEvents(1)).revisions).toEqual([2]);
    });

    it('shows streams with the prefix only, and of these also the mark of one deleted for good', async () => {
      await append(NO_STREAM, many(1));
      server.log.writeSystemEvent();
      await client.appendToStream('other', many(1));
      await client.tombstoneStream(stream);
      await client.appendToStream('test-2', many(1));
      const heard = await new Heard(client).untilEvents(3);
      expect(heard.events.map(({ event }) => [event?.streamId, event?.type])).toEqual([
        [stream, 'Happened'],
        [stream, '$streamDeleted'],
        ['test-2', 'Happened'],
      ]);
    });

    it.each([
      [32, undefined],
      [1000, 1000],
    ])('makes a checkpoint for each %s scanned records, from which one resumes as it is', async (window, given) => {
      await client.appendToStream('other', many(2500));
      await append(NO_STREAM, many(1));
      const heard = new Heard(client, { maxSearchWindow: given });
      await heard.untilEvents(1);
      expect(heard.checkpoints).toHaveLength(Math.floor(server.log.records.length / window));
      const mark = heard.checkpoints.at(-1)!;
      expect(mark.prepare).toBe(0n);
      const resumed = await new Heard(client, { fromPosition: mark }).untilEvents(1);
      expect(resumed.events).toEqual(heard.events);
    });

    it('loses nothing at any checkpoint', async () => {
      await append(NO_STREAM, many(40));
      const heard = await new Heard(client, { maxSearchWindow: 1 }).untilEvents(40);
      expect(heard.checkpoints.length).toBeGreaterThan(35);
      for (const mark of heard.checkpoints.slice(-5)) {
        const after = heard.events.filter(({ event }) => event!.position.commit >= mark.commit);
        const resumed = await new Heard(client, { fromPosition: mark }).untilSaid('caughtUp');
        expect((await resumed.untilEvents(after.length)).events).toEqual(after);
      }
    });

    it('makes no checkpoint of a window that ends with the log until something comes after it', async () => {
      await client.appendToStream('other', many(10 - server.log.records.length));
      const heard = await new Heard(client, { maxSearchWindow: 10 }).untilSaid('caughtUp');
      expect(heard.checkpoints).toEqual([]);
      const { position } = await append(NO_STREAM, many(1));
      await append(0n, many(1));
      await heard.untilEvents(2);
      expect(heard.checkpoints).toEqual([position]);
    });

    it('goes on making checkpoints when it is live', async () => {
      const heard = await new Heard(client, { maxSearchWindow: 10 }).untilSaid('caughtUp');
      const { position } = await client.appendToStream('other', many(10 - server.log.records.length));
      await append(NO_STREAM, many(1));
      await heard.untilEvents(1);
      expect(heard.checkpoints).toEqual([position]);
    });

    it('refuses a position where no record begins', async () => {
      const { position } = await append(NO_STREAM, many(1));
      const commit = position!.commit + 1n;
      const heard = new Heard(client, { fromPosition: { commit, prepare: commit } });
      await until(() => heard.error !== undefined);
      expect(heard.error).toBeInstanceOf(UnknownError);
      expect(heard.error!.message).toContain('invalid position');
    });

    it('takes a position past its end, and is silent ever after', async () => {
      const commit = server.log.end + 1_000_000n;
      const heard = await new Heard(client, { fromPosition: { commit, prepare: commit } }).untilSaid('confirmation');
      const other = await new Heard(client).untilSaid('caughtUp');
      await append(NO_STREAM, many(100));
      await other.untilEvents(100);
      expect(heard).toMatchObject({ events: [], checkpoints: [], said: ['confirmation'], error: undefined });
    });

    it('lets marks run ahead of a slow consumer, which gets every event all the same', async () => {
      await append(NO_STREAM, many(10));
      await client.appendToStream('other', many(1000));
      const slow = await new Heard(client, { taking: false, maxSearchWindow: 1000 }).untilSaid('caughtUp');
      expect(slow.checkpoints).toHaveLength(1);
      expect(slow.events).toEqual([]);
      slow.take();
      expect((await slow.untilEvents(10)).revisions).toEqual([...Array(10).keys()]);
    });

    it('keeps thousands of events in order for a consumer that has stalled', async () => {
      const slow = await new Heard(client, { taking: false }).untilSaid('caughtUp');
      await append(NO_STREAM, many(2000));
      slow.take();
      expect((await slow.untilEvents(2000)).revisions).toEqual([...Array(2000).keys()]);
    });
  });

  describe('while it is not there', () => {
    const refusals = async (): Promise<Record<string, unknown>> => {
      const failure = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);
      const heard = new Heard(client);
      await until(() => heard.error !== undefined);
      return {
        subscribe: heard.error,
        read: await failure(read()),
        classic: await failure(append(NO_STREAM, many(1), 'classic')),
        batch: await failure(append(NO_STREAM, many(1))),
      };
    };

    it('is unavailable in two shapes when it is down, and the same client goes on when it is up', async () => {
      await append(NO_STREAM, many(1));
      await server.wire.down();
      const { batch, ...others } = await refusals();
      for (const refusal of Object.values(others)) expect(refusal).toBeInstanceOf(UnavailableError);
      expect(batch).toMatchObject({ code: 14, constructor: Error });
      expect(batch).not.toHaveProperty('type');
      await server.wire.up();
      expect(await append(0n, many(1))).toMatchObject({ nextExpectedRevision: 1n });
    });

    it('says in a third shape that it is starting', async () => {
      await append(NO_STREAM, many(1));
      server.faults.notReady();
      const { batch, ...others } = await refusals();
      for (const refusal of Object.values(others)) expect(refusal).toBeInstanceOf(UnavailableError);
      expect(batch).toBeInstanceOf(UnknownError);
      expect(batch).toMatchObject({ message: 'Could not recognize Server Is Not Ready' });
      server.faults.notReady(false);
      expect(await append(0n, many(1))).toMatchObject({ nextExpectedRevision: 1n });
    });
  });
});
