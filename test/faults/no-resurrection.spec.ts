import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { openPrivacy } from '../../src/adapters.js';
import { readConfig } from '../../src/config.js';
import { CustomerErasures } from '../../src/customers/read-model/customer-erasures.js';
import { CustomerProjection } from '../../src/customers/read-model/customer-projection.js';
import { EmailIndexing } from '../../src/customers/read-model/email-indexing.js';
import { AcceptAllSourceDirectory } from '../../src/customers/sources/accept-all-source-directory.js';
import { ServiceLogger } from '../../src/http/service-logger.js';
import { ErasureFollower } from '../../src/privacy/erasure-follower.js';
import { Service } from '../../src/service.js';
import { scale } from '../support/scale.js';
import { onServers } from '../support/servers.js';
import { cleanUp, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

interface Answer {
  readonly status: number;
  readonly text: string;
}

const ask = async (app: TestApp, method: string, url: string, body?: unknown): Promise<Answer> => {
  const { statusCode, body: text } = await app.request({ method, url, ...(body !== undefined && { body }) });
  return { status: statusCode, text };
};

describe('What was erased stays erased', () => {
  const apps: TestApp[] = [];
  const start = async (options: Parameters<typeof startTestApp>[0] = {}): Promise<TestApp> => {
    const app = await startTestApp(options);
    apps.push(app);
    return app;
  };
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });
  afterAll(cleanUp);

  it('among 100 writers at once: each has a clean answer, and nothing personal follows in the log', async () => {
    const app = await start();
    const url = await app.listen();
    await ask(app, 'POST', '/customers', { id: 'a', email: 'first@example.com' });
    const post = async (path: string, body: object): Promise<Answer> => {
      const headers = { authorization: `Bearer ${app.secret}`, 'content-type': 'application/json' };
      const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: answer.status, text: await answer.text() };
    };
    const rounds = scale(1, 5);
    const answers: Answer[] = [];
    const writer = async (n: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1)
        answers.push(await post('/customers/a', { email: `writer-${n}-${round}@example.com` }));
    };
    const writers = Array.from({ length: 100 }, (_, n) => writer(n));
    // Some are answered, and most are under way.
    while (answers.length < 10) await new Promise((resolve) => setImmediate(resolve));
    const erased = await post('/customers/a/erasure', {});
    await Promise.all(writers);
    expect(erased.status).toBe(200);
    const kinds = new Set(answers.map(({ status, text }) => `${status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}`));
    expect([...kinds].sort()).toEqual(['200 ', '409 customer_erased']);
    const stream = await app.stores.eventStore.read('customer-a');
    expect(stream.at(-1)?.type).toBe('CustomerErased');
    const acknowledged = answers.filter(({ status }) => status === 200);
    expect(stream).toHaveLength(acknowledged.length + 2);
    await app.settled();
    expect((await ask(app, 'GET', '/customers/a')).text).not.toContain('@');
    expect(await app.privacy.subjectKeys.find({ subject: 'a', revision: 1 })).toMatchObject({ status: 'erased' });
  });

  it('for another instance that still holds the key', async () => {
    const clock = new TestClock();
    const app = await start({ clock });
    const config = { ...readConfig({ ROLE: 'api' }), masterKeys: [{ id: 'test', key: new Uint8Array(32).fill(7) }] };
    const privacy = await openPrivacy(config, app.stores, clock);
    const parts = { config, stores: app.stores, privacy, directory: new AcceptAllSourceDirectory(), clock };
    const service = await Service.start(parts, new ServiceLogger('silent'));
    const other = async (method: 'GET' | 'POST', url: string, body?: object): Promise<Answer> => {
      const headers = { authorization: `Bearer ${app.secret}` };
      const answer = await service.app.inject({ method, url, headers, ...(body && { payload: body }) });
      return { status: answer.statusCode, text: answer.body };
    };
    try {
      await ask(app, 'POST', '/customers', { id: 'a', email: 'jane@example.com' });
      expect((await other('GET', '/customers/a')).text).toContain('jane@example.com');
      await ask(app, 'POST', '/customers/a/erasure');
      await app.settled();
      const ref = { subject: 'a', revision: 1 };
      expect(await privacy.keys.find(ref)).not.toBe('erased');
      for (const url of ['/customers/a', '/customers', '/events'])
        expect([url, (await other('GET', url)).text]).toEqual([url, expect.not.stringContaining('jane')]);
      expect((await other('POST', '/customers/a', { email: 'again@example.com' })).status).toBe(409);
      clock.advance(5_000);
      expect(await privacy.keys.find(ref)).toBe('erased');
    } finally {
      await service.stop();
    }
  });

  it('and a new life of the id stays alive, when a late follower meets the end of the one before', async () => {
    const app = await start();
    await ask(app, 'POST', '/customers', { id: 'a', email: 'first@example.com' });
    await ask(app, 'DELETE', '/customers/a');
    await ask(app, 'POST', '/customers', { id: 'a', email: 'second@example.com' });
    const { eventStore, customerViews } = app.stores;
    const { keys, secrets, subjectKeys } = app.privacy;
    const projection = new CustomerProjection(eventStore, customerViews, keys, new EmailIndexing(secrets));
    const late = new ErasureFollower(new CustomerErasures(projection), keys);
    const stream = await eventStore.read('customer-a');
    await late.handle(stream);
    await late.handle(stream.filter(({ type }) => type === 'CustomerDeleted'));
    expect((await ask(app, 'GET', '/customers/a')).text).toContain('second@example.com');
    const states = await subjectKeys.findMany([1, 2].map((revision) => ({ subject: 'a', revision })));
    expect(states.map(({ status }) => status)).toEqual(['erased', 'active']);
  });

  // Where stores are servers, test/e2e/instances.spec.ts and the drills of docs/operations.md are about backups.
  (onServers ? it.skip : it).each([
    ['the key store', 'keys.db', 'subject_keys'],
    ['the read model', 'views.db', 'read_model'],
  ])(
    'when %s comes back from a backup: all is run again before the first request, and the start says so',
    async (...row) => {
      const [, file, store] = row;
      const dataDir = await temporaryFolder();
      const [kept, backup] = [join(dataDir, file), join(await temporaryFolder(), file)];
      const printed: string[] = [];
      const destination = new Writable({ write: (chunk, _, done) => done(void printed.push(String(chunk))) });
      const run = async (work: (app: TestApp) => Promise<void>): Promise<void> => {
        printed.length = 0;
        const app = await startTestApp({ dataDir, logger: new ServiceLogger('warn', destination) });
        await work(app).finally(() => app.close());
      };
      await run(async (app) => {
        for (const id of ['gone', 'left', 'here'])
          await ask(app, 'POST', '/customers', { id, email: `${id}@example.com` });
        await app.settled();
      });
      cpSync(kept, backup);
      await run(async (app) => {
        await ask(app, 'POST', '/customers/gone/erasure');
        await ask(app, 'DELETE', '/customers/left');
        await app.settled();
      });
      for (const tail of ['', '-wal', '-shm']) rmSync(kept + tail, { force: true });
      cpSync(backup, kept);
      await run(async (app) => {
        const line = printed.map((text) => JSON.parse(text) as Record<string, unknown>).find((one) => store in one);
        expect(line).toMatchObject({ msg: 'erasures were run again before the first request', [store]: 2 });
        const states = await app.stores.subjectKeys.findMany(
          ['gone', 'left', 'here'].map((subject) => ({ subject, revision: 1 })),
        );
        expect(states.map(({ status }) => status)).toEqual(['erased', 'erased', 'active']);
        const all = await ask(app, 'GET', '/customers');
        expect([all.status, all.text.includes('here@'), /gone@|left@/.test(all.text)]).toEqual([200, true, false]);
        expect((await ask(app, 'GET', '/customers/left')).status).toBe(404);
      });
      // And when nothing came back, there is nothing to say.
      await run(async () => expect(printed).toEqual([]));
    },
  );
});
