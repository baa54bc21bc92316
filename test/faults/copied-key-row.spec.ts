import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { CustomerProjection } from '../../src/customers/read-model/customer-projection.js';
import { EmailIndexing } from '../../src/customers/read-model/email-indexing.js';
import { rebuildViews } from '../../src/customers/read-model/rebuild.js';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import { Connection } from '../../src/stores/sqlite/connection.js';
import { wholeFeed } from '../support/event-readers.js';
import { hasMongoDbServer, NO_MONGODB } from '../support/mongodb-server.js';
import { notRun } from '../support/not-run.js';
import { Production } from '../support/production.js';
import { scale } from '../support/scale.js';
import { cleanUp, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** Stores that outlive an app, and the row of a key in them, which is taken and put back past the service. */
interface World {
  start(): Promise<TestApp>;
  takeRow(): Promise<() => Promise<void>>;
  end(): Promise<void>;
}

const GONE = { subject: 'gone', revision: 1 };

async function send(app: TestApp, method: string, url: string, body?: unknown, headers = {}) {
  const answer = await app.request({ method, url, headers, ...(body !== undefined && { body }) });
  return { status: answer.statusCode, text: answer.body };
}

async function rebuild({ stores, privacy }: TestApp): Promise<void> {
  const { eventStore: store, customerViews: views, checkpoints } = stores;
  const projectionInto = (generation: number): CustomerProjection =>
    new CustomerProjection(store, views, privacy.keys, new EmailIndexing(privacy.secrets), generation);
  await rebuildViews({ store, views, checkpoints, projectionInto, onProgress: () => undefined, settleMs: 20 });
}

async function receiptOf(app: TestApp): Promise<unknown> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    const { text } = await send(app, 'GET', '/customers/gone/erasure');
    const { receipt } = JSON.parse(text) as { receipt?: unknown };
    if (receipt !== undefined) return receipt;
    if (performance.now() > giveUpAt) throw new Error(`No receipt in time: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What may be told of those who live, and must not be told of who is gone. */
function expectClean(where: string, text: string): void {
  expect([where, text]).toEqual([where, expect.not.stringMatching(/gone(\.later)?@|why@/)]);
}

async function expectStaysErased(world: World): Promise<void> {
  const receiver = await WebhookReceiver.start();
  let app = await world.start();
  try {
    const hook = { url: `${receiver.url}/hook`, personalValues: true };
    const made = await send(app, 'POST', '/webhooks', hook);
    expect(made).toMatchObject({ status: 201 });
    const { id } = JSON.parse(made.text) as { id: string };
    // Noted from here on, and delivered when it is enabled again.
    expect((await send(app, 'PATCH', `/webhooks/${id}`, { enabled: false })).status).toBe(200);
    for (const one of ['gone', 'here']) await send(app, 'POST', '/customers', { id: one, email: `${one}@example.com` });
    const reason = { 'x-reason': 'call; why@example.com' };
    await send(app, 'POST', '/customers/gone', { email: 'gone.later@example.com' }, reason);
    const putBack = await world.takeRow();
    expect((await send(app, 'POST', '/customers/gone/erasure', {})).status).toBe(200);
    await app.settled();
    const receipt = await receiptOf(app);
    await app.close();
    await putBack();

    app = await world.start();
    expect(await app.privacy.keys.find(GONE)).toBe('erased');
    for (const time of ['before the rebuild', 'after it']) {
      const read = await send(app, 'GET', '/customers/gone');
      expect([read.status, JSON.parse(read.text)]).toMatchObject([200, { id: 'gone', enabled: false }]);
      const lists = ['/customers', '/customers?email=gone@example.com', '/customers?email=gone.later@example.com'];
      const history = ['events', 'diff?from=0&to=1'].map((path) => `/audit/customers/gone/${path}`);
      for (const url of ['/customers/gone', ...lists, ...history, '/audit/customers/gone?revision=1']) {
        const { status, text } = await send(app, 'GET', url);
        expect([url, status]).toEqual([url, 200]);
        expectClean(`${url} ${time}`, text);
      }
      expectClean('the feed', JSON.stringify(await wholeFeed(app, { limit: 1 })));
      const change = await send(app, 'POST', '/customers/gone', { email: 'again@example.com' });
      expect([change.status, change.text]).toEqual([409, expect.stringContaining('customer_erased')]);
      expect((await send(app, 'POST', '/customers', { id: 'gone', email: 'again@example.com' })).status).toBe(409);
      if (time === 'before the rebuild') await rebuild(app);
    }
    expect((await send(app, 'GET', '/customers/here')).text).toContain('here@example.com');
    expect((await send(app, 'PATCH', `/webhooks/${id}`, { enabled: true })).status).toBe(200);
    await receiver.until(() => receiver.acknowledged().some(({ event }) => event.type === 'customer.erased'));
    await receiver.until(() => receiver.acknowledged().some(({ event }) => event.subject === 'here'));
    expectClean('deliveries', receiver.received.map(({ body }) => body).join('\n'));
    expect(receiver.received.map(({ body }) => body).join('\n')).toContain('here@example.com');
    expect((await send(app, 'POST', '/customers/gone/erasure', {})).status).toBe(200);
    expect(await receiptOf(app)).toEqual(receipt);
  } finally {
    await app.close();
    receiver.stop();
  }
}

const SETTINGS = { clock: new SystemClock(), config: { webhooksAllowLoopback: true } } as const;

async function embedded(): Promise<World> {
  const dataDir = await temporaryFolder();
  const withKeys = <T>(work: (keys: Connection) => T): T => {
    const keys = new Connection(join(dataDir, 'keys.db'), 1_000);
    try {
      return work(keys);
    } finally {
      keys.close();
    }
  };
  type Row = [erased: number, masterKeyId: string, wrapped: Uint8Array, fingerprint: string];
  const read = 'SELECT erased, master_key_id, wrapped, fingerprint FROM subject_keys WHERE subject = ?';
  const write = 'UPDATE subject_keys SET erased = ?, master_key_id = ?, wrapped = ?, fingerprint = ? WHERE subject = ?';
  return {
    start: () => startTestApp({ ...SETTINGS, dataDir }),
    takeRow: async () => {
      const row = withKeys((keys) => keys.query<Row>(read).get(GONE.subject)?.map(copied) ?? []);
      return async () => {
        expect(withKeys((keys) => keys.change(write).run(...row, GONE.subject).changes)).toBe(1);
      };
    },
    end: cleanUp,
  };
}

/** Bytes of a row belong to the connection. */
const copied = <T>(value: T): T | Uint8Array => (value instanceof Uint8Array ? Uint8Array.from(value) : value);

async function onServers(): Promise<World> {
  const production = await Production.start();
  const client = await MongoClient.connect(production.env['KEYS_MONGODB_URL'] ?? '');
  const keys = client.db().collection<{ _id: string }>('subject_keys');
  const _id = `1 ${GONE.subject}`;
  return {
    start: () => production.instance(SETTINGS),
    takeRow: async () => {
      const row = await keys.findOne({ _id });
      return async () => {
        expect((await keys.replaceOne({ _id }, row ?? {})).modifiedCount).toBe(1);
      };
    },
    end: async () => {
      await client.close();
      await production.stop();
    },
  };
}

const available = hasMongoDbServer();
if (!available) notRun('the row of a destroyed key copied back on MongoDB', NO_MONGODB);

describe('The row of a destroyed key that is copied back, and the service started again', () => {
  let world: World | undefined;
  afterEach(() => world?.end());

  it('opens nothing: no read, list, history, feed or delivery, no change, no rebuild; and the receipt stays', async () => {
    world = await embedded();
    await expectStaysErased(world);
  }, 30_000);

  // FerretDB takes its time; the contract suite holds the same of the store itself in each run.
  (available && scale(0, 1) === 1 ? it : it.skip)(
    'opens nothing on MongoDB and EventStoreDB either',
    async () => {
      world = await onServers();
      await expectStaysErased(world);
    },
    120_000,
  );
});
