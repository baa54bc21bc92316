import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requireRepaired } from '../../src/customers/require-repaired.js';
import { Quarantine } from '../../src/event-sourcing/quarantine.js';
import { releaseStream } from '../../src/event-sourcing/release.js';
import { Connection } from '../../src/stores/sqlite/connection.js';
import { Ends } from '../support/ends.js';
import { wholeFeed } from '../support/event-readers.js';
import { cleanUp, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let ends: Ends;
let app: TestApp;
let dataDir: string;

beforeAll(async () => {
  ends = new Ends();
  dataDir = await temporaryFolder();
  app = await startTestApp({ dataDir });
  ends.add(() => app.close());
});
afterAll(async () => {
  await ends.run();
  await cleanUp();
});

async function send(method: string, url: string, body?: unknown) {
  const answer = await app.request({ method, url, ...(body !== undefined && { body }) });
  const json = answer.body === '' ? undefined : answer.json();
  return { status: answer.statusCode, code: json?.errors?.[0].code, body: json };
}
const edit = (sql: string): void => {
  const file = new Connection(join(dataDir, 'events.db'), 2_000);
  file.exec(sql);
  file.close();
};
const ALTERED = [500, 'log_altered'];
const outcome = async (method: string, url: string, body?: unknown): Promise<unknown> => {
  const { status, code } = await send(method, url, body);
  return [status, code];
};
const create = async (id: string): Promise<void> => {
  expect((await send('POST', '/customers', { id, email: `${id}@example.com` })).status).toBe(201);
  for (const locale of ['de_DE', 'fr_FR', 'it_IT']) await send('POST', `/customers/${id}`, { locale });
};
const restart = async (): Promise<void> => {
  await app.close();
  app = await startTestApp({ dataDir });
};

const EDITS: Readonly<Record<string, string>> = {
  'a payload that is no JSON': `data = '{"loc'`,
  'metadata that are none': `metadata = '{}'`,
  'a type that no release writes': `type = 'Nonsense'`,
  'a shape that no release writes': `data = '{"locale": 5}'`,
  'a second creation': `type = 'CustomerCreated', data = '{"enabled": true}'`,
  'another place in the stream': `revision = 20`,
  'a hash that the next event does not name': `metadata = json_set(metadata, '$.hash', printf('%064d', 0))`,
};

describe('a row of the embedded log that was edited', () => {
  it.each(Object.entries(EDITS))('to %s has its customer set aside, also after a restart', async (kind, set) => {
    const id = kind.replaceAll(' ', '-').slice(0, 40);
    await create(id);
    await app.settled();
    edit(`CREATE TABLE IF NOT EXISTS sound AS SELECT * FROM events WHERE 0`);
    edit(`INSERT INTO sound SELECT * FROM events WHERE stream = 'customer-${id}'`);
    edit(`UPDATE events SET ${set} WHERE stream = 'customer-${id}' AND revision = 2`);
    await restart();
    for (const [method, url, body] of [
      ['POST', `/customers/${id}`, { enabled: false }],
      ['GET', `/customers/${id}`],
      ['DELETE', `/customers/${id}`],
      ['GET', `/customers/${id}/erasure`],
    ] as const)
      expect([method, await outcome(method, url, body)]).toEqual([method, ALTERED]);
    expect((await send('GET', `/audit/customers/${id}/verification`)).body.state).toMatch(/altered|cut/);
    await create(`beside-${id.slice(0, 30)}`);
    await app.settled();
    expect((await send('GET', '/health/ready')).status).toBe(200);
    const shown = (await wholeFeed(app)).filter(({ subject }) => subject === id);
    expect(shown.length).toBeLessThan(4);
  });

  it('comes to every reader once and in order when it is put back and released', async () => {
    edit('REPLACE INTO events SELECT * FROM sound');
    const { eventStore } = app.stores;
    const { open } = app.service.app.get(Quarantine);
    expect(open).toHaveLength(Object.keys(EDITS).length);
    for (const { stream } of open) {
      const actor = { type: 'system', id: 'test' } as const;
      const parts = { store: eventStore, clock: app.clock, actor };
      await releaseStream({ ...parts, requireRepaired: (events) => requireRepaired(stream, events) }, stream);
      await released(stream);
      const id = stream.slice('customer-'.length);
      expect((await send('POST', `/customers/${id}`, { enabled: false })).status).toBe(200);
      const feed = await wholeFeed(app, { limit: 3 });
      const sequences = feed.flatMap((one) => (one.subject === id ? [Number(one.sequence)] : []));
      expect(sequences).toEqual([0, 1, 2, 3, 4]);
      expect((await send('GET', `/audit/customers/${id}/verification`)).body.state).toBe('sound');
    }
    expect((await send('GET', '/customers?limit=100')).body.data).toHaveLength(2 * Object.keys(EDITS).length);
  });

  it('is all of a stream: the view that is left keeps the id, and the verification says what became of it', async () => {
    await create('gone');
    await app.settled();
    edit(`DELETE FROM events WHERE stream = 'customer-gone'`);
    expect(await outcome('POST', '/customers/gone', { locale: 'de_DE' })).toEqual(ALTERED);
    expect(await outcome('GET', '/customers/gone')).toEqual(ALTERED);
    expect(await outcome('POST', '/customers', { id: 'gone', email: 'x@example.com' })).toEqual(ALTERED);
    expect((await send('GET', '/audit/customers/gone/verification')).body.state).toBe('removed');
    expect(await outcome('GET', '/audit/customers/never-there/verification')).toEqual([404, 'not_found']);
  });
});

async function released(stream: string): Promise<void> {
  const quarantine = app.service.app.get(Quarantine);
  for (const due = performance.now() + 20_000; quarantine.isSetAside(stream);) {
    if (performance.now() > due) throw new Error('Not released in time');
    await delay(5);
  }
}
