import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import { ServiceLogger } from '../../src/http/service-logger.js';
import { Ends } from '../support/ends.js';
import type { RecordedLog } from '../support/eventstoredb-server/recorded-log.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import { valueOf } from '../support/metrics-text.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const PATIENCE_MS = 20_000;
const ANSWER_MS = 5_000;
const WRITERS = 6;
/** All that a log is exchanged for is told in so many lines, whatever the load. */
const LINES = 30;

interface Answer {
  readonly status: number;
  readonly message: string | undefined;
  readonly ms: number;
}

interface Line {
  readonly level: string;
  readonly msg: string;
}

describe('A service whose log is exchanged while it runs', () => {
  const ends = new Ends();
  let server: EventStoreDbServer;
  let app: TestApp;
  let lines: Line[];
  let stopWriting: () => Promise<void>;
  /** Ids of customers whose creation was acknowledged. */
  let acknowledged: string[];
  let answers: Answer[];

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    ends.add(() => server.stop());
    const dataDir = await mkdtemp(join(tmpdir(), 'customers-'));
    ends.add(() => rm(dataDir, { recursive: true, force: true }));
    lines = [];
    const write = (text: string): void => {
      const line = JSON.parse(text) as Line;
      if (line.msg !== 'request') lines.push(line);
    };
    app = await startTestApp({
      ...{ dataDir, config: { eventstoreUrl: server.url }, clock: new SystemClock() },
      logger: new ServiceLogger('info', { write }),
    });
    ends.add(() => app.close());
    [acknowledged, answers] = [[], []];
    stopWriting = writeOn();
    ends.add(() => stopWriting());
  });
  afterEach(() => ends.run());

  async function send(method: string, url: string, body?: unknown): Promise<Answer> {
    const since = performance.now();
    const { statusCode, body: text } = await app.request({ method, url, ...(body !== undefined && { body }) });
    const { errors } = (text.startsWith('{"type"') ? JSON.parse(text) : {}) as { errors?: { message: string }[] };
    return { status: statusCode, message: errors?.[0]?.message, ms: performance.now() - since };
  }

  function writeOn(): () => Promise<void> {
    let running = true;
    let count = 0;
    const writer = async (): Promise<void> => {
      while (running) {
        const id = `c${(count += 1)}`;
        const answer = await send('POST', '/customers', { id, email: `${id}@example.com` });
        if (answer.status === 201) acknowledged.push(id);
        answers.push(answer);
        if (answer.status !== 201) await delay(5);
      }
    };
    const writers = Array.from({ length: WRITERS }, writer);
    return async () => {
      running = false;
      await Promise.all(writers);
    };
  }

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const due = performance.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (performance.now() > due) throw new Error(`Not in time: ${what}`);
      await delay(20);
    }
  }

  const isReady = async (): Promise<boolean> => (await send('GET', '/health/ready')).status === 200;
  const metric = async (name: string): Promise<number | undefined> =>
    valueOf((await app.request({ method: 'GET', url: '/metrics' })).body, name);
  const ownRecords = (): string[] =>
    server.log.records.filter(({ stream }) => stream.startsWith('customer-')).map(({ id }) => id);

  it.each<[string, (log: RecordedLog, early: () => void) => void]>([
    ['put back to an earlier state', (_, restoreEarly) => restoreEarly()],
    ['wiped', (log) => log.wipe()],
  ])(
    '%s refuses writes and reads by name, and goes on by itself once the right log is back',
    async (_, change) => {
      await until('load', () => acknowledged.length >= 10);
      const early = server.log.backUp();
      await until('more load', () => acknowledged.length >= 30);
      expect(await metric('customers_another_log')).toBe(0);
      let whole = early;
      let [linesBefore, acknowledgedBefore] = [0, 0];
      let recordsBefore: string[] = [];
      await server.restartWith((log) => {
        whole = log.backUp();
        change(log, () => log.restore(early));
        recordsBefore = ownRecords();
        [linesBefore, acknowledgedBefore] = [lines.length, acknowledged.length];
      });

      await until('the alarm', async () => (await metric('customers_another_log')) === 1);
      answers = [];
      await until('writes under way', () => answers.length >= 200);
      const words = /^The event log is another log than/;
      for (const { status, message } of answers) expect([status, message]).toEqual([503, expect.stringMatching(words)]);
      for (const url of [
        '/customers/c1',
        '/customers?limit=2',
        '/events',
        '/audit/customers/c1',
        '/customers/c1/erasure',
      ])
        expect([url, await send('GET', url)]).toEqual([
          url,
          { status: 503, message: expect.stringMatching(words), ms: expect.any(Number) },
        ]);
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS);
      const ready = await app.request({ method: 'GET', url: '/health/ready' });
      expect([ready.statusCode, JSON.parse(ready.body)]).toMatchObject([
        503,
        { error: { event_log: { status: 'down', reason: 'another_log' } } },
      ]);
      expect(acknowledged).toHaveLength(acknowledgedBefore);
      expect(ownRecords()).toEqual(recordsBefore);
      const isNamed = ({ msg }: { readonly msg: string }): boolean => msg.startsWith('the event log is another log');
      await until('the line that names it', async () => lines.slice(linesBefore).some(isNamed));
      const told = lines.slice(linesBefore);
      expect(told.length).toBeLessThan(LINES);
      const named = told.filter(isNamed);
      expect(named).toEqual([expect.objectContaining({ level: 'error', msg: expect.stringContaining('AnotherLog') })]);
      expect(await metric('customers_follower_restarts_total')).toBeLessThan(50);

      await server.restartWith((log) => log.restore(whole));
      await until('writes again', () => acknowledged.length > acknowledgedBefore + 10);
      await stopWriting();
      await until('ready again', isReady);
      expect(await metric('customers_another_log')).toBe(0);
      await app.settled();
      for (const id of acknowledged) expect([id, (await send('GET', `/customers/${id}`)).status]).toEqual([id, 200]);
      const streams = server.log.records.filter(({ type }) => type === 'CustomerCreated').map(({ stream }) => stream);
      expect(new Set(streams).size).toBe(streams.length);
      expect(streams).toEqual(expect.arrayContaining(acknowledged.map((id) => `customer-${id}`)));
    },
    60_000,
  );
});
