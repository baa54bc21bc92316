import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Config } from '../../src/config.js';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import { openEventStoreDb } from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { Ends } from '../support/ends.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { PREFIXES } from './eventstoredb-world.js';

const FOREIGN = 50_000;
/** What a start reads of a log that holds nothing of others: of the newest events, and of each checkpoint's own. */
const FEW = 200;
/** Records between two marks. What comes after the last one is looked at again. */
const WINDOW = 1_000;

describe('A start of the service on an EventStoreDB log', () => {
  const ends = new Ends();
  let server: EventStoreDbServer;

  beforeAll(async () => {
    server = await EventStoreDbServer.start();
    ends.add(() => server.stop());
  });
  afterAll(() => ends.run());

  const folder = async (): Promise<string> => {
    const dataDir = await mkdtemp(join(tmpdir(), 'customers-'));
    ends.add(() => rm(dataDir, { recursive: true, force: true }));
    return dataDir;
  };
  const start = (dataDir: string, config: Partial<Config> = {}): Promise<TestApp> =>
    startTestApp({ clock: new SystemClock(), dataDir, config: { eventstoreUrl: server.url, ...config } });
  const create = async (app: TestApp, id: string): Promise<void> => {
    const { statusCode } = await app.request({ method: 'POST', url: '/customers', body: { id } });
    expect(statusCode).toBe(201);
    await app.settled();
  };
  /** What the server sends for a start, and looks at. */
  const costOf = async (
    dataDir: string,
    config: Partial<Config> = {},
  ): Promise<{ events: number; scanned: number }> => {
    const { events, scanned } = server.sent;
    const app = await start(dataDir, config);
    const cost = { events: server.sent.events - events, scanned: server.sent.scanned - scanned };
    await passed(app);
    await app.close();
    return cost;
  };
  /** All of them have come as near to the end as marks bring them. */
  const passed = async ({ stores }: TestApp): Promise<void> => {
    const place = server.log.records.at(-WINDOW - 10)?.position ?? 0n;
    const names = [
      ['erasures', stores.keyCheckpoints],
      ['sources', stores.checkpoints],
      ['webhooks', stores.webhookCheckpoints],
      ['audit-tree', stores.auditCheckpoints],
      ['receipts', stores.receiptCheckpoints],
      ['customers@1', stores.checkpoints],
    ] as const;
    for (const [name, checkpoints] of names) {
      for (let at = -1n; at < place;) {
        const position = (await checkpoints.load(name))?.position;
        if (position !== undefined) at = BigInt(position.split('/')[0]!);
        await turn();
      }
    }
  };

  it('reads no more than what came since its checkpoints, and of that little of what others wrote', async () => {
    const dataDir = await folder();
    const first = await start(dataDir);
    await create(first, 'c1');
    await create(first, 'c2');
    await first.close();
    server.log.writeForeign(FOREIGN);
    const since = await costOf(dataDir);
    expect(since.events).toBeLessThan(FEW);
    expect(since.scanned).toBeLessThan(FOREIGN + WINDOW);
    const again = await costOf(dataDir);
    expect(again.events).toBeLessThan(FEW);
    expect(again.scanned).toBeLessThan(2 * WINDOW);
    const app = await start(dataDir);
    await create(app, 'c3');
    const { body } = await app.request({ method: 'GET', url: '/events' });
    expect(JSON.parse(body).data).toHaveLength(3);
    await app.close();
  });

  it('in a new environment reads little of what others wrote, and passes over it once', async () => {
    const dataDir = await folder();
    const config = { eventstorePrefix: 'new-' };
    const first = await costOf(dataDir, config);
    expect(first.events).toBeLessThan(4 * FEW);
    expect(first.scanned).toBeLessThan(FOREIGN + 2 * WINDOW);
    const again = await costOf(dataDir, config);
    expect(again.events).toBeLessThan(FEW);
    expect(again.scanned).toBeLessThan(2 * WINDOW);
    const app = await start(dataDir, config);
    await create(app, 'c1');
    await app.close();
  });
});

describe('A start of the service on an EventStoreDB server that does not answer in time', () => {
  const ends = new Ends();
  let server: EventStoreDbServer;
  let dataDir: string;

  const start = (): Promise<TestApp> =>
    startTestApp({
      clock: new SystemClock(),
      dataDir,
      wrap: (stores) => {
        const prefixes = [...PREFIXES, 'audit-'];
        const eventStore = openEventStoreDb({ url: server.url, prefixes, timeouts: { readMs: 250 } });
        ends.add(() => eventStore.close());
        return { ...stores, eventStore };
      },
    });

  beforeAll(async () => {
    server = await EventStoreDbServer.start();
    ends.add(() => server.stop());
    dataDir = await mkdtemp(join(tmpdir(), 'customers-'));
    ends.add(() => rm(dataDir, { recursive: true, force: true }));
    const app = await start();
    await app.request({ method: 'POST', url: '/customers', body: { id: 'c1' } });
    await app.settled();
    await app.close();
  });
  afterAll(() => ends.run());

  it.each([
    ['the name of the log', 'customers-log', 1],
    ['its head, for the tail', '$all', 1],
    ['its end, for a checkpoint', '$all', 2],
    ['the event that a checkpoint names', 'customer-c1', 1],
    ['its head, for the followers', '$all', 8],
  ])('goes on when the answer about %s does not come', async (_, stream, nth) => {
    server.faults.hangNextReadAfter(0, stream, nth);
    const app = await start();
    expect(server.faults.rests.held).toBe(1);
    server.faults.release();
    const { statusCode } = await app.request({ method: 'GET', url: '/customers/c1' });
    expect(statusCode).toBe(200);
    await app.close();
  });
});
