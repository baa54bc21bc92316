import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { requireRepaired } from '../../src/customers/require-repaired.js';
import type { EventStore } from '../../src/event-sourcing/event-store.js';
import { Quarantine } from '../../src/event-sourcing/quarantine.js';
import { releaseStream } from '../../src/event-sourcing/release.js';
import { openEventStoreDb } from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { Ends } from '../support/ends.js';
import { feedPage, wholeFeed } from '../support/event-readers.js';
import { StreamClient } from '../support/event-stream-client.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import { valueOf } from '../support/metrics-text.js';
import { cleanUp, launch, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { appendByStranger, nextEvent } from '../support/written-events.js';

const SOURCE = randomUUID();
/** Longer than anything here takes on a busy machine. */
const PATIENCE_MS = 20_000;

let ends: Ends;
let server: EventStoreDbServer;
let receiver: WebhookReceiver;
let app: TestApp;
let dataDir: string;
const clock = new TestClock(Date.now());

const start = (): Promise<TestApp> =>
  startTestApp({ config: { eventstoreUrl: server.url, webhooksAllowLoopback: true }, dataDir, clock });

beforeAll(async () => {
  ends = new Ends();
  server = await EventStoreDbServer.start();
  ends.add(() => server.stop());
  receiver = await WebhookReceiver.start();
  ends.add(() => receiver.stop());
  dataDir = await temporaryFolder();
  app = await start();
  ends.add(() => app.close());
  await send('POST', '/webhooks', { url: `${receiver.url}/hook` });
});
afterAll(async () => {
  await ends.run();
  await cleanUp();
});

async function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const answer = await app.request({ method, url, headers, ...(body !== undefined && { body }) });
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json(), headers: answer.headers };
}
const codeOf = ({ status, body }: Awaited<ReturnType<typeof send>>): unknown => [status, body?.errors?.[0].code];
const created = async (id: string = randomUUID(), fields: object = { email: `${id}@example.com` }): Promise<string> => {
  expect((await send('POST', '/customers', { id, ...fields })).status).toBe(201);
  return id;
};
const quarantine = (): Quarantine => app.service.app.get(Quarantine);
const streamOf = (id: string): string => `customer-${id}`;
const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (const due = performance.now() + PATIENCE_MS; !(await holds());) {
    if (performance.now() > due) throw new Error(`Not in time: ${what}`);
    await delay(10);
  }
};
const setAside = (id: string): Promise<void> =>
  until(`${id} is set aside`, () => quarantine().isSetAside(streamOf(id)));
const deliveredOf = (id: string): string[] =>
  receiver.acknowledged().flatMap(({ event, sequence }) => (event.subject === id ? [`${event.type} ${sequence}`] : []));

const ROUTES = (id: string): readonly (readonly [string, string, unknown?])[] => [
  ['GET', `/customers/${id}`],
  ['POST', `/customers/${id}`, { locale: 'de_DE' }],
  ['POST', `/customers/${id}`, { requestToBeForgotten: true }],
  ['POST', '/customers', { id, email: 'again@example.com' }],
  ['POST', '/customers', { id }],
  ['DELETE', `/customers/${id}`],
  ['POST', `/customers/${id}/sources/${SOURCE}`],
  ['DELETE', `/customers/${id}/sources/${SOURCE}`],
  ['POST', `/customers/${id}/erasure`],
  ['GET', `/customers/${id}/erasure`],
  ['PUT', `/customers/${id}/legal-hold`],
  ['DELETE', `/customers/${id}/legal-hold`],
  ['GET', `/audit/customers/${id}`],
];

type Damage = (stream: string, log?: EventStore) => void | Promise<void>;
const DAMAGES: Readonly<Record<string, readonly [damage: Damage, verdict: string]>> = {
  'a tombstone': [(stream) => server.log.tombstone(stream), 'removed'],
  'a soft delete': [(stream) => server.log.softDelete(stream), 'removed'],
  'a truncation': [(stream) => server.log.truncate(stream, 1), 'cut'],
  'an event of no known type': [(stream, log = app.stores.eventStore) => appendByStranger(log, stream), 'altered'],
  'an event of a known type and a wrong shape': [
    (stream, log = app.stores.eventStore) => appendByStranger(log, stream, 'CustomerLocaleChanged', { locale: 5 }),
    'altered',
  ],
  'an event with the metadata of somebody else': [
    (stream, log = app.stores.eventStore) => appendByStranger(log, stream, 'CustomerEnabled'),
    'altered',
  ],
  'a payload that is no JSON': [
    (stream) => {
      const payload = { id: randomUUID(), type: 'CustomerEnabled', contentType: 'application/json' };
      const text = Buffer.from('{"half');
      server.log.append(stream, 'stream_exists', [{ ...payload, data: text, metadata: text }]);
    },
    'altered',
  ],
  'an end that nobody asked for': [
    (stream, log = app.stores.eventStore) => appendByStranger(log, stream, 'CustomerDeleted', { keyRevision: 1 }),
    'altered',
  ],
  'a second creation': [
    async (stream, log = app.stores.eventStore) => {
      const event = await nextEvent(log, stream, 'CustomerCreated', { enabled: true });
      await log.append(stream, event.revision - 1, [event]);
    },
    'altered',
  ],
};

const WITH_EMAIL = { email: 'again@example.com' };

describe('a customer whose stream is damaged', () => {
  it.each(Object.entries(DAMAGES))('by %s is set aside whole, and all others go on', async (_, [damage, verdict]) => {
    const id = await created();
    await send('POST', `/customers/${id}`, { locale: 'de_DE' });
    await app.settled();
    await damage(streamOf(id));
    await setAside(id);
    for (const [method, url, body] of ROUTES(id)) {
      const answer = await send(method, url, body);
      expect([method, url, codeOf(answer)]).toEqual([method, url, [500, 'log_altered']]);
      expect(answer.headers).not.toHaveProperty('retry-after');
    }
    const key = { 'idempotency-key': `key-${id}` };
    expect(codeOf(await send('POST', '/customers', { id, email: 'x@example.com' }, key))).toEqual([500, 'log_altered']);
    const verified = await send('GET', `/audit/customers/${id}/verification`);
    expect([verified.status, verified.body.state]).toEqual([200, verdict]);
    const list = await send('GET', '/customers?limit=100');
    expect([list.status, list.body.data.some((one: { id: string }) => one.id === id)]).toEqual([200, false]);
    const metrics = (await app.request({ method: 'GET', url: '/metrics' })).body;
    expect(valueOf(metrics, 'customers_streams_set_aside', { damage: verdict })).toBeGreaterThan(0);
    await othersGoOn();
  });

  it('by whatever was done while nobody ran keeps nobody from starting, and is found at the start', async () => {
    const ids = new Map<string, string>();
    for (const kind of Object.keys(DAMAGES)) ids.set(kind, await created());
    for (const id of ids.values()) await send('POST', `/customers/${id}`, { locale: 'de_DE' });
    await app.settled();
    await app.close();
    const log = openEventStoreDb({ url: server.url, prefixes: ['customer-', 'source-', 'audit-'] });
    for (const [kind, id] of ids) await DAMAGES[kind]![0](streamOf(id), log);
    await log.close();
    app = await start();
    await app.settled();
    expect((await app.request({ method: 'GET', url: '/health/ready' })).statusCode).toBe(200);
    for (const [kind, id] of ids) {
      await setAside(id);
      expect([kind, codeOf(await send('GET', `/customers/${id}`))]).toEqual([kind, [500, 'log_altered']]);
    }
    await othersGoOn();
  });

  it('is still set aside after a restart, and so are all before it', async () => {
    const before = quarantine().open.map(({ stream }) => stream);
    expect(before).not.toEqual([]);
    await app.close();
    app = await start();
    expect(quarantine().open.map(({ stream }) => stream)).toEqual(before);
    expect((await app.request({ method: 'GET', url: '/health/ready' })).statusCode).toBe(200);
    await othersGoOn();
  });

  it('keeps its id when it was deleted before anything was known of it: neither a creation nor a change finds it free', async () => {
    for (const [method, url, body] of [
      ['POST', '/customers', WITH_EMAIL],
      ['POST', '/customers', {}],
      ['POST', '/customers/:id', { locale: 'de_DE' }],
      ['POST', `/customers/:id/sources/${SOURCE}`, undefined],
      ['POST', '/customers/:id/erasure', undefined],
      ['GET', '/customers/:id/erasure', undefined],
      ['DELETE', '/customers/:id', undefined],
      ['GET', '/audit/customers/:id', undefined],
      ['GET', '/audit/customers/:id/verification', undefined],
    ] as const) {
      // What a key is needed for, the key of the one that was there gives away; for all else its view does.
      const id = await created(randomUUID(), body === WITH_EMAIL ? WITH_EMAIL : { locale: 'de_DE' });
      await app.settled();
      const records = server.log.records.length;
      // Without the mark that tells of it, as in a log whose system events nobody reads.
      server.log.deleteSilently(streamOf(id));
      const answer = await send(
        method,
        url.replace(':id', id),
        body && (url === '/customers' ? { ...body, id } : body),
      );
      if (url.endsWith('verification')) expect(answer.body).toMatchObject({ state: 'removed' });
      else expect([method, url, codeOf(answer)]).toEqual([method, url, [500, 'log_altered']]);
      const written = server.log.records.slice(records).map(({ stream }) => stream);
      expect(written).not.toContain(streamOf(id));
      await setAside(id);
      expect(codeOf(await send('GET', `/customers/${id}`))).toEqual([500, 'log_altered']);
    }
  });

  it('is released once it is repaired: what was held comes to everybody, in order and once', async () => {
    const id = await created();
    await send('POST', `/customers/${id}`, { locale: 'de_DE' });
    await receiver.until(() => deliveredOf(id).length === 2);
    const cursor = (await feedPage(app, { limit: 1 })).next;
    const url = await app.listen();
    const stream = new StreamClient({ url, authorization: `Bearer ${app.secret}`, resumes: true });
    ends.add(() => stream.close());
    const streamed = (): string[] => stream.events.flatMap((one) => (one.subject === id ? [one.sequence] : []));
    await stream.until('all so far', () => streamed().length === 2);
    const { eventStore } = app.stores;
    const event = await nextEvent(eventStore, streamOf(id), 'CustomerLocaleChanged', { locale: 'fr_FR' });
    await eventStore.append(streamOf(id), 1, [{ ...event, data: { locale: 5 } }]);
    await setAside(id);
    const metadata = { ...event.metadata, hash: event.metadata['hash'] ?? '' };
    const behind = await nextEvent(eventStore, streamOf(id), 'CustomerDisabled');
    expect(behind.metadata['prevHash']).toBe(metadata.hash);
    await eventStore.append(streamOf(id), 2, [behind]);
    await othersGoOn();
    expect((await wholeFeed(app)).filter(({ subject }) => subject === id)).toHaveLength(2);
    expect([deliveredOf(id), streamed()]).toEqual([
      ['customer.created 0', 'customer.locale_changed 1'],
      ['0000000000', '0000000001'],
    ]);
    await expect(release(id)).rejects.toMatchObject({ name: 'StreamDamaged', revision: 2 });
    server.log.overwrite(streamOf(id), 2, { data: Buffer.from(JSON.stringify(event.data)) });
    expect(await admin('customers', 'set-aside')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(streamOf(id)),
    });
    expect(await admin('customers', 'release', id)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 events'),
    });
    await until('released', () => !quarantine().isSetAside(streamOf(id)));
    await app.settled();
    expect((await send('GET', `/customers/${id}`)).body).toMatchObject({ locale: 'fr_FR', enabled: false });
    expect((await send('POST', `/customers/${id}`, { enabled: true })).status).toBe(200);
    await app.settled();
    const all = ['created 0', 'locale_changed 1', 'locale_changed 2', 'disabled 3', 'enabled 4'];
    await receiver.until(() => deliveredOf(id).length >= all.length);
    expect(deliveredOf(id)).toEqual(all.map((one) => `customer.${one}`));
    await stream.until('what was held', () => streamed().length >= all.length);
    const sequences = all.map((_, at) => String(at).padStart(10, '0'));
    expect(streamed()).toEqual(sequences);
    for (const query of [{}, { limit: 1 }, { customerId: id }, { customerId: id, limit: 1 }, { after: cursor }]) {
      const read = await wholeFeed(app, query);
      expect(read.flatMap((one) => (one.subject === id ? [one.sequence] : []))).toEqual(sequences);
    }
    expect((await send('GET', `/audit/customers/${id}/verification`)).body.state).toBe('sound');
  });

  it('that was truncated is released once that is taken back, and nothing comes twice', async () => {
    const id = await created();
    await send('POST', `/customers/${id}`, { locale: 'de_DE' });
    await receiver.until(() => deliveredOf(id).length === 2);
    server.log.truncate(streamOf(id), 1);
    await setAside(id);
    await expect(release(id)).rejects.toMatchObject({ damage: 'cut' });
    server.log.truncate(streamOf(id), 0);
    expect(await release(id)).toBe(0);
    await until('released', () => !quarantine().isSetAside(streamOf(id)));
    expect((await send('POST', `/customers/${id}`, { enabled: false })).status).toBe(200);
    await receiver.until(() => deliveredOf(id).length === 3);
    expect((await wholeFeed(app, { customerId: id })).map(({ sequence }) => Number(sequence))).toEqual([0, 1, 2]);
  });

  it('has its keys destroyed by the operator, with a record, and nobody else has', async () => {
    const [id, other] = [await created(), await created()];
    await app.settled();
    server.log.tombstone(streamOf(id));
    await setAside(id);
    expect(await admin('privacy', 'destroy-key', other)).toMatchObject({ code: 1 });
    expect(await admin('privacy', 'destroy-key', id)).toMatchObject({ code: 0 });
    const { subjectKeys } = app.privacy;
    expect((await subjectKeys.find({ subject: id, revision: 1 })).status).toBe('erased');
    expect((await subjectKeys.find({ subject: other, revision: 1 })).status).toBe('active');
    const uses = await send('GET', `/audit/events?types=AuditAccessed&customerId=${id}`);
    expect(uses.body.data).toContainEqual(
      expect.objectContaining({ access: expect.objectContaining({ action: 'privacy destroy-key' }) }),
    );
  });

  it('is shown in the audit with its setting aside', async () => {
    const id = await created();
    await app.settled();
    server.log.softDelete(streamOf(id));
    await setAside(id);
    const { body } = await send('GET', `/audit/events?types=StreamSetAside&customerId=${id}`);
    expect(body.data).toMatchObject([{ customerId: id, type: 'StreamSetAside', actor: { id: 'quarantine' } }]);
  });
});

describe('a source whose stream is damaged', () => {
  const attach = (id: string, source: string) => send('POST', `/customers/${id}/sources/${source}`);

  it('can be attached to nobody, and stops neither customers nor other sources', async () => {
    const [id, sound] = [await created(), randomUUID()];
    // A creation is of no type that a source knows: with its hash it counts as written by a newer release.
    const kinds = Object.entries(DAMAGES).filter(([kind]) => kind !== 'a second creation');
    const damages = kinds.map(([kind, [damage]]) => ({ kind, damage, source: randomUUID() }));
    for (const { source } of damages) expect((await attach(id, source)).status).toBe(200);
    expect((await attach(id, sound)).status).toBe(200);
    // A fresh claim is left alone for 5 s: only the first one is waited for.
    clock.advance(10_000);
    await app.settled();
    for (const { kind, damage, source } of damages) {
      await damage(`source-${source}`);
      expect([kind, codeOf(await attach(await created(), source))]).toEqual([kind, [500, 'log_altered']]);
      await until('the source is set aside', () => quarantine().isSetAside(`source-${source}`));
    }
    expect((await send('DELETE', `/customers/${id}`)).status).toBe(204);
    await app.settled();
    expect(codeOf(await attach(await created(), sound))).toEqual([409, 'source_not_chargeable']);
  });
});

describe('the verification of the whole log', () => {
  it('names every customer that is damaged, and goes on to the end', async () => {
    const { code, stdout } = await admin('audit', 'verify');
    expect(code).toBe(1);
    expect(stdout).toContain('MANIPULATION');
    expect(stdout).toContain('The stream was deleted');
  });
});

/** As the command line does, in this process. */
function release(id: string): Promise<number> {
  const stream = streamOf(id);
  const actor = { type: 'system', id: 'test' } as const;
  const parts = { store: app.stores.eventStore, clock, actor };
  return releaseStream({ ...parts, requireRepaired: (events) => requireRepaired(stream, events) }, stream);
}

/** A command line beside the service. */
async function admin(...args: readonly string[]) {
  const masterKey = Buffer.alloc(32, 7).toString('base64');
  const env = { EVENTSTORE_URL: server.url, MASTER_KEYS: `test:${masterKey}` };
  const process = await launch({ entry: 'dist/admin/main.js', args, env, dataDir });
  const { code } = await process.exited;
  return { code, stdout: process.stdout, stderr: process.stderr };
}

/** Create, update, feed, webhooks, erasure with its receipt, and the tree. */
async function othersGoOn(): Promise<void> {
  const id = await created();
  expect((await send('POST', `/customers/${id}`, { locale: 'fr_FR' })).status).toBe(200);
  expect((await send('GET', `/customers/${id}`)).body).toMatchObject({ locale: 'fr_FR' });
  expect((await send('POST', `/customers/${id}/erasure`)).status).toBe(200);
  await app.settled();
  const feed = await wholeFeed(app, { customerId: id });
  expect(feed.map(({ type }) => type)).toEqual(['customer.created', 'customer.locale_changed', 'customer.erased']);
  expect((await wholeFeed(app)).filter(({ subject }) => subject === id)).toHaveLength(3);
  await receiver.until(() => deliveredOf(id).length === 3);
  await until('the receipt', async () => (await send('GET', `/customers/${id}/erasure`)).body.receipt !== undefined);
  const { body } = await send('GET', `/audit/customers/${id}/verification`);
  expect(body).toMatchObject({ state: 'sound', events: 3 });
}
