import { SystemClock } from '../../src/event-sourcing/clock.js';
import type { CloudEvent } from '../../src/subscribers/cloud-event.js';
import { wholeFeed } from '../support/event-readers.js';
import { StreamClient } from '../support/event-stream-client.js';
import { scale } from '../support/scale.js';
import { seed } from '../support/seed.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { Random } from './crash-random.js';

const CUSTOMERS = 20;
const CUTS = scale(50, 1_000);
const LARGEST = 8_000;

const namesOf = (events: readonly CloudEvent[]): string[] => events.map(({ source, id }) => `${source} ${id}`);

describe('A stream that is cut at random bytes', () => {
  let app: TestApp;
  let proxy: TcpProxy;
  beforeAll(async () => {
    app = await startTestApp({ clock: new SystemClock() });
    const { hostname, port } = new URL(await app.listen());
    proxy = await TcpProxy.to(hostname, Number(port));
  });
  afterAll(async () => {
    await proxy.close();
    await app.close();
  });

  it(`and resumed by Last-Event-ID ${CUTS} times tells every event, in the order of the log, without a gap`, async () => {
    const random = new Random(seed(), 'stream cuts');
    let connections = 0;
    const client = new StreamClient({
      url: `http://${proxy.address}`,
      authorization: `Bearer ${app.secret}`,
      resumes: true,
      onConnect: () => {
        connections += 1;
        if (connections <= CUTS) proxy.cutAfter(random.between(1, LARGEST));
      },
    });
    for (let n = 0; n < CUSTOMERS; n += 1) await post('/customers', { id: `c${n}`, email: `c${n}@example.com` });
    for (let n = 0; connections <= CUTS; n += 1) {
      await post(`/customers/c${random.between(0, CUSTOMERS - 1)}`, {
        metadata: { n, filling: 'x'.repeat(random.between(0, 400)) },
      });
    }
    const whole = await wholeFeed(app, { limit: 1000 });
    await client.until(
      'the newest event',
      ({ lastEventId, events }) => lastEventId !== undefined && events.at(-1)?.id === whole.at(-1)?.id,
    );
    client.close();
    const unique = [...new Set(namesOf(client.events))];
    console.log(`${connections - 1} cuts, ${whole.length} events, ${client.events.length - unique.length} duplicates`);
    expect(unique).toEqual(namesOf(whole));
    expect(client.statuses.every((status) => status === 200)).toBe(true);
    for (let n = 0; n < CUSTOMERS; n += 1) {
      const sequences = client.events
        .filter(({ subject }) => subject === `c${n}`)
        .map(({ sequence }) => Number(sequence));
      expect([...new Set(sequences)]).toEqual(sequences.map((_, index) => index).slice(0, new Set(sequences).size));
    }
  });

  async function post(url: string, body: unknown): Promise<void> {
    const { statusCode } = await app.request({ method: 'POST', url, body });
    expect(statusCode).toBeLessThan(300);
  }
});
