import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeContents } from '../../src/admin/stored-contents.js';
import { readConfig } from '../../src/config.js';
import { type Finding, ValueSearch } from '../../src/privacy/value-search.js';
import { Connection } from '../../src/stores/sqlite/connection.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { Production } from '../support/production.js';
import { cleanUp, launch, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';
import { Canaries } from './canaries-entries.js';
import { placesIn } from './canaries-search.js';

const DAY_MS = 86_400_000;
const LOCALE = 'is_IS';

async function send(app: TestApp, method: string, url: string, body?: unknown): Promise<void> {
  const { statusCode, body: text } = await app.request({ method, url, ...(body !== undefined && { body }) });
  if (statusCode >= 300) throw new Error(`${method} ${url}: ${String(statusCode)} ${text}`);
}

/** Customers with canaries in every personal field, all of them living. */
async function populate(app: TestApp, canaries: Canaries): Promise<void> {
  for (const id of ['lives', 'erased', 'deleted', 'waits']) {
    await send(app, 'POST', '/customers', { id, locale: LOCALE, ...canaries.personal(id) });
    await send(app, 'POST', `/customers/${id}`, canaries.personal(`${id} later`));
  }
  await app.settled();
}

/** One lives on, one is erased, one deleted, one asked to be forgotten. */
async function forget(app: TestApp): Promise<void> {
  await send(app, 'DELETE', '/customers/deleted');
  await send(app, 'POST', '/customers/lives', { requestToBeForgotten: true });
  await send(app, 'POST', '/customers/lives', { requestToBeForgotten: false });
  await send(app, 'POST', '/customers/erased', { requestToBeForgotten: true });
  if (app.clock instanceof TestClock) app.clock.advance(2 * DAY_MS);
  await app.service.dueErasures.run();
  await send(app, 'POST', '/customers/waits', { requestToBeForgotten: true });
  await app.settled();
}

describe('The privacy commands on embedded stores', () => {
  const canaries = new Canaries();
  let dataDir: string;
  let folder: string;
  afterAll(cleanUp);

  beforeAll(async () => {
    dataDir = await temporaryFolder();
    folder = await temporaryFolder();
    const app = await startTestApp({ dataDir, clock: new TestClock(), config: { forgetGraceDays: 1 } });
    await populate(app, canaries);
    await forget(app);
    await app.close();
  });

  async function admin(...args: readonly string[]): Promise<{ code: number | null; text: string }> {
    const env = { MASTER_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}` };
    const process = await launch({ dataDir, env, entry: 'dist/admin/main.js', args: ['privacy', ...args] });
    const { code } = await process.exited;
    return { code, text: process.stdout + process.stderr };
  }
  function sweepFor(...values: readonly string[]): ReturnType<typeof admin> {
    const file = join(folder, 'values.txt');
    writeFileSync(file, `${values.join('\n')}\n`);
    return admin('sweep', '--values', file);
  }

  it('find no personal value of anybody, erased or not, in any byte', async () => {
    const { code, text } = await sweepFor(...canaries.all.map(({ value }) => value));
    expect(text).toMatch(/^Looked for \d+ values in \d+ places\.\nFound nowhere\.\n$/);
    expect(code).toBe(0);
  });

  it('find what lies there in clear, say where and how often, and never show it', async () => {
    mkdirSync(join(dataDir, 'exports'));
    const planted = 'jane.planted@example.com';
    writeFileSync(join(dataDir, 'exports', 'a.json'), Buffer.from(`{"a":"${planted}"}`).toString('base64'));
    const access = new Connection(join(dataDir, 'access.db'), 1_000);
    access.exec('CREATE TABLE notes (text TEXT)');
    // Longer than a page: in the file it lies in pieces.
    access.change('INSERT INTO notes VALUES (?)').run(`${'-'.repeat(5_000)}${`${planted} `.repeat(400)}`);
    access.close();
    const { code, text } = await sweepFor(LOCALE, planted);
    expect(text).toContain('file exports/a.json\tvalue 2\t1 times\tbase64\n');
    expect(text).toContain('table notes in access.db\tvalue 2\t400 times\tUTF-8\n');
    expect(text).toMatch(/table events in events\.db\tvalue 1\t\d+ times\tUTF-8\n/);
    expect(text).toMatch(/file views\.db\tvalue 1\t/);
    expect(text).not.toContain(planted);
    expect(text).not.toContain(LOCALE);
    expect(code).toBe(1);
  });

  it('say with their exit code that they could not look, or were called wrongly', async () => {
    expect(await sweepFor('abcd', 'abc')).toEqual({
      code: 3,
      text: expect.stringContaining('value 2 has fewer than 4 bytes'),
    });
    expect(await admin('sweep')).toEqual({ code: 2, text: expect.stringContaining('--values <file>') });
  });

  it('count requests, erasures and the time between', async () => {
    const { code, text } = await admin('report', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(text)).toEqual({
      asOf: expect.any(String),
      requests: 3,
      withdrawn: 1,
      due: 1,
      nextDue: '2026-01-04T00:00:00.000Z',
      overdue: 1,
      held: 0,
      erased: 1,
      deleted: 1,
      averageMs: 2 * DAY_MS,
    });
  });
});

const available = hasMongoDbServer();
if (!available) notRun('the sweep of MongoDB and EventStoreDB', NO_MONGODB);

(available ? describe : describe.skip)('The sweep on servers', () => {
  /** Every byte of the files of the server, its write-ahead logs and free pages too. */
  function searchFiles(folder: string, values: readonly string[]): readonly Finding[] {
    const search = new ValueSearch(values);
    for (const { name, bytes } of placesIn(folder)) search.in(name)(bytes);
    return search.findings;
  }

  it('finds no personal value in any collection, event or file, and what is not personal in all', async () => {
    const folder = await temporaryFolder();
    const production = await Production.start({ folder });
    try {
      const canaries = new Canaries();
      const app = await production.instance({ config: { forgetGraceDays: 0 } });
      await populate(app, canaries);
      const values = canaries.all.map(({ value }) => value);
      const expectInFiles = (): void => {
        const found = searchFiles(folder, [...values, LOCALE]).map(({ value }) => value);
        // What is not personal is found, so the search is known to work; a server that MONGODB_URL names keeps its files.
        expect(new Set(found)).toEqual(new Set(placesIn(folder).length > 0 ? [values.length + 1] : []));
      };
      expectInFiles();
      await forget(app);
      expectInFiles();
      const search = new ValueSearch([...values, LOCALE]);
      const dataDir = await temporaryFolder();
      const config = readConfig({ ...production.env, DATA_DIR: dataDir, API_KEY_BOOTSTRAP: 'bootstrap-for-tests' });
      await takeContents(config, (place, piece) => {
        search.in(place)(piece);
      });
      expect(search.findings.filter(({ value }) => value <= values.length)).toEqual([]);
      const places = search.findings.map(({ place }) => place.replace(/customers@?\w*/, 'customers'));
      expect(places.join()).toContain('(MONGODB_URL)');
      expect(places).toContain('the event log (EVENTSTORE_URL)');
    } finally {
      await production.stop();
      await cleanUp();
    }
  }, 60_000);
});
