import { join } from 'node:path';
import type { AlteredEvent } from '../../src/audit/altered-event.js';
import type { HistoryEvent } from '../../src/audit/customer-audit.js';
import { Connection } from '../../src/stores/sqlite/connection.js';
import { Ends } from '../support/ends.js';
import { authorizationFor } from '../support/event-readers.js';
import { cleanUp, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const PERSONAL_VALUE = 'jane@example.com';
const ROW = `WHERE stream = 'customer-c1' AND revision = 2`;
const set = (change: string, row = ROW): string => `UPDATE events SET ${change} ${row}`;

let ends: Ends;
let app: TestApp;
let tamper: (sql: string) => void;
beforeAll(async () => {
  ends = new Ends();
  const dataDir = await temporaryFolder();
  app = await startTestApp({ dataDir });
  ends.add(() => app.close());
  const exec = (sql: string): void => {
    const file = new Connection(join(dataDir, 'events.db'), 2_000);
    file.exec(sql);
    file.close();
  };
  tamper = (sql) => exec(sql);
  const post = (url: string, body: unknown) => app.request({ method: 'POST', url, body });
  await post('/customers', { id: 'c1', email: PERSONAL_VALUE });
  for (const body of [{ locale: 'de_DE' }, { enabled: false }, { locale: 'en_US' }, { enabled: true }])
    await post('/customers/c1', body);
  await app.settled();
  exec('CREATE TABLE sound AS SELECT * FROM events');
});
afterEach(() => tamper('REPLACE INTO events SELECT * FROM sound'));
afterAll(async () => {
  await ends.run();
  await cleanUp();
});

const get = async (path: string, authorization = `Bearer ${app.secret}`) => {
  const answer = await app.request({ method: 'GET', url: `/audit/${path}`, headers: { authorization } });
  return { status: answer.statusCode, body: answer.json() };
};
const code = ({ status, body }: Awaited<ReturnType<typeof get>>): unknown => [status, body.errors?.[0].code];
const history = async (id = 'c1'): Promise<readonly (HistoryEvent | AlteredEvent)[]> =>
  (await get(`customers/${id}/events`)).body.data;

describe('a log that was altered by hand', () => {
  it.each([
    ['a type', set(`type = 'CustomerCreated', data = '{"enabled":true}'`), 'can not follow'],
    ['a type that is none', set(`type = 'Nonsense'`), 'no release writes'],
    ['data of another shape', set(`type = 'CustomerLocaleChanged', data = '{"locale": 5}'`), 'not of the shape'],
    ['metadata that are none', set(`metadata = '{}'`), 'does not write'],
    ['an actor that is none', set(`metadata = json_set(metadata, '$.actor', null)`), 'does not write'],
    ['a time beyond all dates', set(`metadata = json_set(metadata, '$.at', 9e15)`), 'does not write'],
  ])('in %s is told event by event, and nothing is made up behind it', async (_, sql, problem) => {
    tamper(sql);
    const events = await history();
    expect(events.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
    expect(events.map((event) => [event.problem !== undefined, 'changes' in event])).toEqual([
      [false, true],
      [false, true],
      [true, false],
      [true, false],
      [true, false],
    ]);
    expect(events[2]?.problem).toContain(problem);
    for (const path of ['', '?revision=2', '?revision=4', '?asOf=2099-01-01', '/diff?from=0', '/diff?from=4&to=1'])
      expect([path, ...(code(await get(`customers/c1${path}`)) as [])]).toEqual([path, 500, 'log_altered']);
    expect(code(await get('customers/c1?revision=9'))).toEqual([400, 'invalid_parameter']);
    expect((await get('customers/c1?revision=0')).body).toMatchObject({ revision: 0, customer: { enabled: true } });
    expect(await get('customers/c1/verification')).toMatchObject({ status: 200, body: { state: 'altered' } });
    for (const query of ['', 'from=2020-01-01', 'customerId=c1']) {
      const { status, body } = await get(`events?${query}`);
      expect(status).toBe(200);
      expect(body.data.find((event: AlteredEvent) => event.problem !== undefined)).toMatchObject({
        stream: 'customer-c1',
        revision: 2,
      });
    }
    const seen = await get('customers/c1/events', await authorizationFor(app, 'audit:read'));
    expect(JSON.stringify(seen)).not.toContain(PERSONAL_VALUE);
  });

  it('in a value that still makes sense shows what stands there now, and says of which event', async () => {
    tamper(set(`data = '{"locale":"fr_FR"}'`, `WHERE stream = 'customer-c1' AND revision = 1`));
    const events = await history();
    expect(events.map(({ problem }) => problem)).toEqual([
      undefined,
      'The event is not what was hashed',
      undefined,
      undefined,
      undefined,
    ]);
    expect(events[1]).toMatchObject({ changes: [{ pointer: '/locale', after: 'fr_FR' }] });
    expect((await get('customers/c1/verification')).body.findings[0]).toMatchObject({ revision: 1 });
  });

  it('by a deletion in the middle takes no event for the one that is gone', async () => {
    tamper(`DELETE FROM events ${ROW}`);
    const events = await history();
    expect(events.map(({ revision, problem }) => [revision, problem])).toEqual([
      [0, undefined],
      [1, undefined],
      [3, 'An event before this one is missing'],
      [4, expect.stringContaining('broken before it')],
    ]);
    for (const path of ['?revision=2', '?revision=3', ''])
      expect(code(await get(`customers/c1${path}`))).toEqual([500, 'log_altered']);
  });

  it('in a sealed value shows no other one in its place', async () => {
    tamper(
      set(
        `data = json_set(data, '$.email.sealed', 'AAAA' || substr(json_extract(data, '$.email.sealed'), 5))`,
        `WHERE stream = 'customer-c1' AND revision = 0`,
      ),
    );
    const [first] = await history();
    expect(first).toMatchObject({ problem: 'The event is not what was hashed' });
    expect(JSON.stringify(first)).not.toContain(PERSONAL_VALUE);
    expect(code(await get('customers/c1'))).toEqual([500, 'log_altered']);
  });

  it('in a row that is no JSON any more is told as one that can not be read, and hides no other event', async () => {
    tamper(set(`data = '{"loc'`));
    for (const path of ['customers/c1', 'customers/c1/diff?from=0'])
      expect(code(await get(path))).toEqual([500, 'log_altered']);
    for (const path of ['customers/c1/events', 'events?customerId=c1']) {
      const { status, body } = await get(path);
      const altered = body.data.filter((event: AlteredEvent) => event.problem !== undefined);
      expect([status, altered[0]]).toEqual([200, expect.objectContaining({ stream: 'customer-c1', revision: 2 })]);
    }
    const { findings } = (await get('customers/c1/verification')).body;
    expect(findings[0]).toMatchObject({ revision: 2, message: 'The event can not be read any more' });
  });

  it('does not show what an erasure that stands behind the break took away', async () => {
    const post = (url: string, body: unknown) => app.request({ method: 'POST', url, body });
    // The other one is set aside by now: nothing more is done for it.
    await post('/customers', { id: 'c2', email: PERSONAL_VALUE });
    for (const body of [{ locale: 'de_DE' }, { enabled: false }]) await post('/customers/c2', body);
    await post('/customers/c2/erasure', { reasonCode: 'asked' });
    await app.settled();
    const before = await history('c2');
    expect(before.at(-1)).toMatchObject({ details: { cause: 'requested', reasonCode: 'asked' } });
    tamper(set(`type = 'Nonsense'`, `WHERE stream = 'customer-c2' AND revision = 2`));
    expect(JSON.stringify(await history('c2'))).not.toContain(PERSONAL_VALUE);
    expect((await get('customers/c2?revision=0')).body.customer.email).toBe('[erased]');
  });

  it('refuses a change of the customer with the same code', async () => {
    tamper(set(`type = 'CustomerCreated'`));
    const answer = await app.request({ method: 'POST', url: '/customers/c1', body: { locale: 'fr_FR' } });
    expect([answer.statusCode, answer.json().errors[0].code]).toEqual([500, 'log_altered']);
  });
});
