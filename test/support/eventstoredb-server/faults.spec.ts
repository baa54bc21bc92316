import { randomUUID } from 'node:crypto';
import {
  type AppendExpectedRevision,
  type AppendResult,
  EventStoreDBClient,
  type JSONEventData,
  NO_STREAM,
  NotLeaderError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { Heard, many, PATHS, until } from './raw-client.js';
import { EventStoreDbServer } from './server.js';

describe('faults of the EventStoreDB server for tests', () => {
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
  const there = (): string[] => server.log.stream(stream).map(({ id }) => id);

  describe.each(['batch', 'classic'] as const)('of an append, %s', (path) => {
    it('loses the answer after the write, and the same append again is answered', async () => {
      const written = many(2);
      server.faults.loseNextAnswer();
      await expect(append(NO_STREAM, written, path)).rejects.toBeInstanceOf(UnavailableError);
      expect(there()).toEqual(written.map(({ id }) => id));
      expect(await append(NO_STREAM, written, path)).toMatchObject({ nextExpectedRevision: 1n });
      expect(there()).toHaveLength(2);
    });

    it('drops the connection before the write', async () => {
      server.faults.dropMidAppend();
      await expect(append(NO_STREAM, many(1), path)).rejects.toBeInstanceOf(UnavailableError);
      expect(there()).toEqual([]);
      await append(NO_STREAM, many(1), path);
    });

    it('gives up waiting for what it has written', async () => {
      server.faults.timeOutNextAppend();
      const type = path === 'batch' ? 'deadline-exceeded' : 'timeout';
      await expect(append(NO_STREAM, many(1), path)).rejects.toMatchObject({ type });
      expect(there()).toHaveLength(1);
    });

    it('refuses so many appends with a wrong revision', async () => {
      server.faults.refuseWithWrongRevision(2);
      for (let n = 0; n < 2; n += 1) {
        await expect(append(NO_STREAM, many(1), path)).rejects.toBeInstanceOf(WrongExpectedVersionError);
      }
      expect(there()).toEqual([]);
      await append(NO_STREAM, many(1), path);
    });

    it('hangs, and writes when released, in the order of arrival', async () => {
      server.faults.hangAppends();
      const first = append(NO_STREAM, many(1), path);
      await until(() => server.faults.appends.held === 1);
      const second = append(0n, many(1), path);
      await until(() => server.faults.appends.held === 2);
      expect(there()).toEqual([]);
      server.faults.release();
      expect(await Promise.all([first, second])).toMatchObject([{ success: true }, { success: true }]);
      expect(there()).toHaveLength(2);
    });

    it('drops the same append without a word while the first is not indexed, and answers it after', async () => {
      server.faults.hangIndexing();
      const written = many(2);
      const first = append(NO_STREAM, written, path);
      await until(() => server.faults.indexing.held === 1);
      const options = { expectedRevision: NO_STREAM, ...PATHS.classic, deadline: 100 } as const;
      const dropped = client.appendToStream(stream, written, options);
      await expect(dropped).rejects.toMatchObject({ type: 'deadline-exceeded' });
      await expect(append(NO_STREAM, many(1), path)).rejects.toBeInstanceOf(WrongExpectedVersionError);
      server.faults.release();
      const result = await first;
      expect(await append(NO_STREAM, written, path)).toEqual(result);
      expect(there()).toHaveLength(2);
    });

    it('names another leader once', async () => {
      server.faults.notLeader();
      await expect(append(NO_STREAM, many(1), path)).rejects.toBeInstanceOf(NotLeaderError);
      expect(there()).toEqual([]);
      expect(await append(NO_STREAM, many(1), path)).toMatchObject({ success: true });
    });
  });

  it('writes nothing of a shared append whose deadline has passed by its own clock', async () => {
    server.faults.clockAheadMs = 60_000;
    const late = client.appendToStream(stream, many(1), { deadline: 2_000 });
    await expect(late).rejects.toMatchObject({ type: 'deadline-exceeded' });
    expect(there()).toEqual([]);
    await client.appendToStream(stream, many(1), { deadline: 120_000 });
  });

  it('hangs in the midst of a read, once', async () => {
    await append(NO_STREAM, many(4));
    server.faults.hangNextReadAfter(2, stream);
    const found: unknown[] = [];
    const hanging = client.readStream(stream);
    hanging.on('data', (event) => found.push(event));
    await until(() => found.length === 2);
    const whole: unknown[] = [];
    for await (const event of client.readStream(stream)) whole.push(event);
    expect(whole).toHaveLength(4);
    expect(found).toHaveLength(2);
    await hanging.cancel();
  });

  it('withholds the answer for ever: a call of its own has a deadline, the shared one has none', async () => {
    for (let n = 0; n < 2; n += 1) server.faults.loseNextAnswer('silence');
    let settled = false;
    const batch = append(NO_STREAM, many(1)).finally(() => (settled = true));
    batch.catch(() => undefined);
    await until(() => there().length === 1);
    const classic = client.appendToStream(stream, many(1), { ...PATHS.classic, expectedRevision: 0n, deadline: 150 });
    await expect(classic).rejects.toMatchObject({ type: 'deadline-exceeded' });
    expect(settled).toBe(false);
    server.wire.cut();
    await expect(batch).rejects.toBeInstanceOf(UnavailableError);
  });

  it('closes the shared stream cleanly: its client settles no append any more, another client works', async () => {
    const doomed = EventStoreDBClient.connectionString`${server.url}`;
    let settled = 0;
    const appendAndWatch = (): void => {
      const settle = (): void => void (settled += 1);
      doomed.appendToStream(stream, many(1)).then(settle, settle);
    };
    server.faults.closeAppendsCleanly();
    appendAndWatch();
    await until(() => server.faults.planned === 0);
    const ended = new Heard(doomed);
    await ended.untilSaid('caughtUp');
    appendAndWatch();
    await append('any', many(1));
    expect(settled).toBe(0);
    expect(there()).toHaveLength(1);
    // Not awaited: it waits for the stream as well.
    void doomed.dispose();
  });

  it('is silent when the wire is frozen, and goes on when it thaws', async () => {
    await append(NO_STREAM, many(1));
    server.wire.freeze();
    const written = append(0n, many(1));
    const other = EventStoreDBClient.connectionString`${server.url}`;
    for (const one of [client, other]) {
      const alone = one.appendToStream(`${stream}2`, many(1), { ...PATHS.classic, deadline: 100 });
      await expect(alone).rejects.toMatchObject({ type: 'deadline-exceeded' });
    }
    await other.dispose();
    expect(there()).toHaveLength(1);
    server.wire.thaw();
    expect(await written).toMatchObject({ nextExpectedRevision: 1n });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a shared append', () => append(0n, many(1))],
    ['an append of its own', () => append(0n, many(1), 'classic')],
    ['a read', () => client.readStream(stream).toArray()],
    ['a subscription', () => new Heard(client).untilSaid('caughtUp')],
  ])('answers %s late', async (_, ask) => {
    await append(NO_STREAM, many(1));
    server.faults.lateness = () => 100;
    const begun = performance.now();
    await ask();
    expect(performance.now() - begun).toBeGreaterThan(99);
  });

  it('tells late of what comes, and of all that comes', async () => {
    const heard = await new Heard(client).untilSaid('caughtUp');
    server.faults.lateness = () => 100;
    const begun = performance.now();
    await Promise.all([append(NO_STREAM, many(2)), heard.untilEvents(2)]);
    expect(performance.now() - begun).toBeGreaterThan(99);
    server.faults.lateness = undefined;
    await append(1n, many(3));
    expect((await heard.untilEvents(5)).revisions).toEqual([0, 1, 2, 3, 4]);
  });

  it('keeps its log over a restart, after which the same client goes on', async () => {
    await append(NO_STREAM, many(2));
    await server.restart();
    const written = many(1);
    // Fails while the client has not yet heard of it.
    const result = await append(1n, written).catch(() => append(1n, written));
    expect(result).toMatchObject({ nextExpectedRevision: 2n });
    expect(there()).toHaveLength(3);
  });

  describe('of a subscription', () => {
    let heard: Heard;
    beforeEach(async () => {
      await append(NO_STREAM, many(3));
      heard = await new Heard(client).untilSaid('caughtUp');
    });

    const resumes = async (): Promise<void> => {
      const resumed = await new Heard(client, { fromPosition: heard.events.at(-1)!.event!.position }).untilSaid(
        'caughtUp',
      );
      await append('any', many(1));
      await resumed.untilEvents(1);
    };

    it('ends it cleanly', async () => {
      server.faults.endSubscriptionsCleanly();
      await heard.untilSaid('end');
      expect(heard.error).toBeUndefined();
      await resumes();
    });

    it('resets it: an unknown error, and no end of it', async () => {
      server.faults.resetSubscriptions();
      await until(() => heard.error !== undefined);
      await resumes();
      expect(heard.error).toBeInstanceOf(UnknownError);
      expect(heard.error).toMatchObject({ code: 13, message: expect.stringContaining('RST_STREAM') });
      expect(heard.said).toEqual(['confirmation', 'caughtUp']);
    });

    it.each([
      ['kills it', () => server.faults.killSubscriptions()],
      ['cuts its connection', () => server.wire.cut()],
    ])('%s: unavailable', async (_, kill) => {
      kill();
      await until(() => heard.error !== undefined);
      expect(heard.error).toBeInstanceOf(UnavailableError);
      await resumes();
    });

    it('kills it after so many events, once', async () => {
      server.faults.killSubscriptionAfter(2);
      await append(2n, many(5));
      await until(() => heard.error !== undefined);
      expect(heard.error).toBeInstanceOf(UnavailableError);
      expect(heard.events.length).toBeLessThanOrEqual(5);
      expect(server.faults.subscriptions.size).toBe(0);
      await resumes();
    });

    it('is forgotten when the client cancels it', async () => {
      await heard.subscription.unsubscribe();
      await until(() => server.faults.subscriptions.size === 0);
    });

    it('makes a new one wait, or refuses it', async () => {
      server.faults.hangReads();
      const waiting = new Heard(client);
      await until(() => server.faults.reads.held === 1);
      expect(waiting.said).toEqual([]);
      server.faults.release();
      await waiting.untilSaid('caughtUp');
      server.faults.notLeader();
      const refused = new Heard(client);
      await until(() => refused.error !== undefined);
      expect(refused.error).toBeInstanceOf(NotLeaderError);
    });

    it('marks after every event, ahead of a slow consumer', async () => {
      server.faults.earlyMarks();
      const slow = await new Heard(client, { taking: false }).untilSaid('caughtUp');
      expect(slow.checkpoints).toEqual(heard.events.map(({ event }) => event!.position));
      expect(slow.events).toEqual([]);
      slow.take();
      await slow.untilEvents(3);
    });

    it('is cut off from a log that is wiped, whose positions it then lacks', async () => {
      const { position } = heard.events.at(-1)!.event!;
      server.faults.wipe();
      await until(() => heard.error !== undefined);
      const silent = await new Heard(client, { fromPosition: position }).untilSaid('confirmation');
      const whole = await new Heard(client).untilSaid('caughtUp');
      expect(await append(NO_STREAM, many(1))).toMatchObject({ nextExpectedRevision: 0n });
      await whole.untilEvents(1);
      expect(silent.said).toEqual(['confirmation']);
    });

    it('is cut off from a wiped log, which knows nothing of a stream that was deleted', async () => {
      await client.deleteStream(stream);
      server.faults.wipe();
      await until(() => heard.error !== undefined);
      await append(NO_STREAM, many(1));
      expect(there()).toHaveLength(1);
    });

    it('is cut off from a log restored from a backup, which other events follow', async () => {
      const count = server.log.records.length;
      const kept = there();
      await append(2n, many(4));
      server.faults.restoreBackup(count);
      await until(() => heard.error !== undefined);
      expect(there()).toEqual(kept);
      expect(await append(2n, many(1))).toMatchObject({ nextExpectedRevision: 3n });
    });
  });
});
