import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { Production } from '../support/production.js';
import type { TestApp } from '../support/test-app.js';

const ANSWER_MS = 5_000;
const BACK_MS = 10_000;
const EMAIL = 'jane@example.com';

interface Answer {
  readonly status: number;
  readonly ms: number;
  readonly retryAfter: unknown;
  readonly body: {
    readonly version?: unknown;
    readonly locale?: string;
    readonly errors?: { readonly code: string }[];
  };
}

async function send(app: TestApp, method: string, url: string, body?: unknown): Promise<Answer> {
  const since = performance.now();
  const answer = await app.request({ method, url, ...(body !== undefined && { body }) });
  const ms = performance.now() - since;
  const text = answer.body;
  return {
    status: answer.statusCode,
    ms,
    retryAfter: answer.headers['retry-after'],
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
  };
}

/** Asks again until it holds; how long that took is the figure. */
async function within(ms: number, what: string, holds: () => Promise<boolean>): Promise<number> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > ms) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - since;
}

/** Asks again while a store is out of reach. */
async function answered(ask: () => Promise<Answer>): Promise<Answer> {
  let answer = await ask();
  await within(BACK_MS, 'an answer', async () => {
    if (answer.status === 503) answer = await ask();
    return answer.status !== 503;
  });
  return answer;
}

function expectUnavailable({ status, ms, retryAfter }: Answer): void {
  expect({ status, retryAfter: retryAfter !== undefined }).toEqual({ status: 503, retryAfter: true });
  expect(ms).toBeLessThan(ANSWER_MS);
}

const readiness = async (app: TestApp): Promise<readonly string[]> => {
  const answer = await app.request({ method: 'GET', url: '/health/ready' });
  const { error } = JSON.parse(answer.body) as { error: Record<string, unknown> };
  return Object.keys(error);
};

const available = hasMongoDbServer();
if (!available) notRun('outages of the stores on servers', NO_MONGODB);

(available ? describe : describe.skip)('An outage', () => {
  let production: Production;
  let one: TestApp;
  let other: TestApp;
  let count = 0;
  let id = '';

  beforeAll(async () => {
    production = await Production.start();
    one = await production.instance();
    other = await production.instance();
  }, 60_000);
  afterAll(() => production.stop(), 60_000);

  beforeEach(async () => {
    count += 1;
    id = `c${count}`;
    const created = await send(one, 'POST', '/customers', { id, email: EMAIL, locale: 'en_US' });
    expect(created.status).toBe(201);
    expect((await send(other, 'GET', `/customers/${id}`)).status).toBe(200);
  });
  afterEach(async () => {
    await production.heal();
    for (const app of [one, other])
      await within(BACK_MS, 'ready again', async () => (await readiness(app)).length === 0);
  }, 30_000);

  /** Every read that is answered shows the newest acknowledged locale: never one from before. */
  async function expectNeverStale(app: TestApp, locale: string): Promise<void> {
    await within(BACK_MS, 'read again', async () => {
      const read = await send(app, 'GET', `/customers/${id}`);
      if (read.status === 200) expect(read.body.locale).toBe(locale);
      else expectUnavailable(read);
      return read.status === 200;
    });
  }

  describe.each<[string, () => void | Promise<void>]>([
    ['is refused', () => production.views.refuse()],
    ['is a black hole', () => production.views.silence()],
    ['answers no more', () => production.views.silenceOneWay('back')],
  ])('of the read model, when its connection %s,', (_, strike) => {
    it('lets writes go on, refuses reads in bounded time, and serves nothing stale afterwards', async () => {
      await strike();
      const first = await send(one, 'POST', `/customers/${id}`, { locale: 'de_DE' });
      expect(first.status).toBe(200);
      expect(first.ms).toBeLessThan(ANSWER_MS);
      expectUnavailable(await send(one, 'GET', `/customers/${id}`));
      expectUnavailable(await send(other, 'GET', '/customers?limit=1'));
      expect(await readiness(one)).toEqual(expect.arrayContaining(['read_model', 'api_keys']));
      const last = await send(other, 'POST', `/customers/${id}`, { locale: 'fr_FR' });
      expect(last.status).toBe(200);
      await production.heal();
      await Promise.all([expectNeverStale(one, 'fr_FR'), expectNeverStale(other, 'fr_FR')]);
    }, 40_000);
  });

  it('of connections that are cut again and again fails no write, and no read shows what was', async () => {
    const locales = ['de_DE', 'fr_FR', 'it_IT', 'es_ES', 'pl_PL', 'nl_NL'];
    for (const locale of locales) {
      production.views.cut();
      expect((await send(one, 'POST', `/customers/${id}`, { locale })).status).toBe(200);
      await Promise.all([expectNeverStale(one, locale), expectNeverStale(other, locale)]);
    }
  }, 60_000);

  it('of the key store refuses what must seal or open, and nothing else', async () => {
    await production.keys.refuse();
    expectUnavailable(await send(one, 'POST', '/customers', { email: EMAIL }));
    // What is held for five seconds may be used for so long.
    await within(8_000, 'nothing is opened any more', async () => {
      const read = await send(one, 'GET', `/customers/${id}`);
      expect(read.ms).toBeLessThan(ANSWER_MS);
      return read.status === 503;
    });
    expect((await send(one, 'POST', '/customers', { id: `${id}-bare` })).status).toBe(201);
    expect((await send(other, 'GET', `/customers/${id}-bare`)).status).toBe(200);
    expect(await readiness(one)).toEqual(['subject_keys']);
    await production.heal();
    await within(BACK_MS, 'sealed again', async () => {
      return (await send(one, 'POST', `/customers/${id}`, { email: 'new@example.com' })).status === 200;
    });
    await within(BACK_MS, 'opened again', async () => (await send(other, 'GET', `/customers/${id}`)).status === 200);
  }, 40_000);

  describe.each<[string, () => void | Promise<void>]>([
    ['is refused', () => production.log.wire.down()],
    ['is a black hole', () => production.log.wire.freeze()],
    ['says that it is starting', () => production.log.faults.notReady()],
  ])('of the event log, when it %s,', (how, strike) => {
    it('refuses writes in bounded time and lets reads go on', async () => {
      await strike();
      const refused = await send(one, 'POST', `/customers/${id}`, { locale: 'de_DE' });
      expectUnavailable(refused);
      expectUnavailable(await send(one, 'POST', '/customers', { id: `${id}-new` }));
      for (const app of [one, other]) {
        const read = await send(app, 'GET', `/customers/${id}`);
        expect(read).toMatchObject({ status: 200, body: { locale: 'en_US' } });
      }
      expect(await readiness(one)).toEqual(['event_log']);
      if (how === 'is refused') await production.log.wire.up();
      await production.heal();
      production.log.faults.notReady(false);
      await within(BACK_MS, 'written again', async () => {
        const written = await send(one, 'POST', `/customers/${id}`, { locale: 'fr_FR' });
        if (written.status !== 200) expectUnavailable(written);
        return written.status === 200;
      });
      await expectNeverStale(other, 'fr_FR');
      // What waited on the way may land now; either way it is there once or not at all.
      const again = await answered(() => send(other, 'POST', '/customers', { id: `${id}-new` }));
      expect([201, 409]).toContain(again.status);
      const created = production.log.log.stream(`customer-${id}-new`);
      expect(created.map(({ type }) => type)).toEqual(['CustomerCreated']);
    }, 60_000);
  });
});
