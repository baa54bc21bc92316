import { randomUUID } from 'node:crypto';
import { openEventStoreDb } from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';

/** It takes 10 s at most, and longer where all else is slow as well. */
const PATIENCE_MS = 20_000;

const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > PATIENCE_MS) throw new Error('Not in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

describe.each(['esdb', 'esdb+discover'])('After an outage, a log opened by %s://', (scheme) => {
  let server: EventStoreDbServer;
  let store: ReturnType<typeof openEventStoreDb>;
  const append = (): Promise<boolean> =>
    store
      .append(`customer-${randomUUID()}`, 'no_stream', [{ id: randomUUID(), type: 'Happened', data: {}, metadata: {} }])
      .then(
        () => true,
        () => false,
      );

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    store = openEventStoreDb({ url: server.url.replace(/^esdb/, scheme), prefixes: ['customer-'] });
  });
  afterEach(async () => {
    await store.close();
    await server.stop();
  });

  it('is written to again within 10 s, also when reads have succeeded in between', async () => {
    expect(await append()).toBe(true);
    await server.wire.down();
    for (let n = 0; n < 4; n += 1) {
      await store.read('customer-1').catch(() => undefined);
      expect(await append()).toBe(false);
    }
    await server.wire.up();
    await until(async () => {
      await store.read('customer-1').catch(() => undefined);
      return append();
    });
  }, 60_000);

  it('is written to although the first question what the server can do was refused', async () => {
    server.faults.refuseNextFeatures();
    expect(await append()).toBe(false);
    await until(async () => {
      await store.read('customer-1');
      return append();
    });
  }, 60_000);
});
