import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KeysElsewhere, verifyKeysOfLog } from '../../src/customers/keys-of-log.js';
import type { EventStore } from '../../src/event-sourcing/event-store.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import { InMemorySubjectKeys } from '../support/in-memory-subject-keys.js';
import { cleanUp, launch, type ServiceProcess, startService, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const SLOW_MS = 60_000;

describe('A start with keys that are elsewhere', () => {
  let server: EventStoreDbServer;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    server = await EventStoreDbServer.start();
    env = { LOG_LEVEL: 'info', EVENTSTORE_URL: server.url };
  });
  afterAll(async () => {
    await cleanUp();
    await server.stop();
  });

  const create = (service: ServiceProcess, id: string): Promise<Response> =>
    fetch(`${service.url}/customers`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${service.key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ id, email: `${id}@example.com` }),
    });

  it(
    'ends in one line that names the settings, and one whose newest keys are missing waits as before',
    async () => {
      const first = await startService({ env });
      expect((await create(first, 'a')).status).toBe(201);
      await first.stop();
      const older = await temporaryFolder();
      for (const name of ['keys.db', 'master.key']) await copyFile(join(first.dataDir, name), join(older, name));

      // The second start finds the folder that the first one made, and no sign of a key in it.
      const dataDir = await temporaryFolder();
      for (const folder of [dataDir, dataDir]) {
        const process = await launch({ env, dataDir: folder });
        expect(await process.exited).toEqual({ code: 1, signal: null });
        expect(process.stderr).toMatch(/^The key store \(DATA_DIR\) does not belong to the event log[^\n]{10,260}\n$/);
        expect(process.stdout).toBe('');
      }

      const second = await startService({ env, dataDir: first.dataDir });
      expect((await create(second, 'b')).status).toBe(201);
      await second.stop();
      const process = await launch({ env, dataDir: older });
      const [line = ''] = await process.printed(/^.*could not follow the log.*$/m);
      expect(line).toMatch(/"level":"error".*KeyMissing/);
      expect(process.stderr).toBe('');
      expect((await process.stop()).code).not.toBe(1);
      await rm(older, { recursive: true, force: true });
    },
    SLOW_MS,
  );
});

describe('The keys of a log', () => {
  let app: TestApp;
  let none: InMemorySubjectKeys;
  beforeEach(async () => {
    app = await startTestApp();
    none = new InMemorySubjectKeys();
  });
  afterEach(() => app.close());

  const send = (method: string, url: string, body?: unknown) =>
    app.request({ method, url, ...(body !== undefined && { body }) });
  const verify = (subjectKeys = none, { views = app.stores.customerViews } = {}): Promise<void> =>
    verifyKeysOfLog({ store: app.stores.eventStore, views, subjectKeys });
  const noViews = { views: { list: async () => ({ views: [], hasMore: false }) } } as unknown as {
    views: TestApp['stores']['customerViews'];
  };

  it('are in their store, with the views and without them', async () => {
    await verify();
    for (const id of ['a', 'b']) await send('POST', '/customers', { id, email: `${id}@example.com` });
    const own = app.stores.subjectKeys as unknown as InMemorySubjectKeys;
    await verify(own);
    await verify(own, noViews);
    await expect(verify()).rejects.toThrow(KeysElsewhere);
    await expect(verify(none, noViews)).rejects.toThrow(KeysElsewhere);
  });

  it('are there when one of the oldest is, or a trace that one was destroyed', async () => {
    for (let n = 0; n < 30; n += 1) await send('POST', '/customers', { id: `c${n}`, email: `c${n}@example.com` });
    await none.create({ subject: 'c3', revision: 1 }, { masterKeyId: 'm', wrapped: Buffer.alloc(3), fingerprint: 'f' });
    await verify();
    const traces = new InMemorySubjectKeys();
    await traces.destroy({ subject: 'c5', revision: 1 });
    await verify(traces);
  });

  it('are not asked for where nobody living has sealed values', async () => {
    await send('POST', '/customers', { id: 'bare' });
    await send('POST', '/customers', { id: 'deleted', email: 'deleted@example.com' });
    await send('DELETE', '/customers/deleted');
    await send('POST', '/customers', { id: 'erased', email: 'erased@example.com' });
    await send('POST', '/customers/erased/erasure', { reasonCode: 'asked' });
    await verify();
    await send('POST', '/customers', { id: 'deleted', email: 'again@example.com' });
    await expect(verify()).rejects.toMatchObject({ customers: 1 });
  });

  it('are not told from a log that does not answer', async () => {
    const silent = { subscribe: () => app.stores.eventStore.subscribe({ signal: AbortSignal.abort() }) };
    const store = Object.assign(Object.create(app.stores.eventStore) as EventStore, silent);
    await send('POST', '/customers', { id: 'a', email: 'a@example.com' });
    await verifyKeysOfLog({ store, ...noViews, subjectKeys: none });
  });
});
