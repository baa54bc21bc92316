import type { Position } from '../../src/event-sourcing/event-store.js';
import { LogCursors } from '../../src/subscribers/log-cursors.js';
import { cleanUp } from '../support/service-process.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

interface Shown {
  readonly id: string;
  readonly [field: string]: unknown;
}
const HOUR = 3_600_000;

describe('webhooks that are changed while they are delivered to', () => {
  let receiver: WebhookReceiver;
  let clock: TestClock;
  let app: TestApp;

  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
    clock = new TestClock(Date.now());
    app = await startTestApp({ clock, config: { webhooksAllowLoopback: true } });
  });
  afterEach(async () => {
    await app.close();
    receiver.stop();
  });
  afterAll(cleanUp);

  const send = async <T = Shown>(method: string, url: string, body?: unknown, status?: number): Promise<T> => {
    const answer = await app.request({ method, url, ...(body !== undefined && { body }) });
    const { statusCode } = answer;
    expect([url, answer.body, statusCode < 300 ? 'done' : statusCode]).toEqual([url, answer.body, status ?? 'done']);
    return answer.json();
  };
  const subscribe = (): Promise<Shown> => send('POST', '/webhooks', { url: `${receiver.url}/hook` });
  const came = (count: number, path = '/hook'): Promise<void> =>
    receiver.until(() => receiver.acknowledged(path).length >= count);

  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    const giveUpAt = performance.now() + 15_000;
    while (!(await holds())) {
      if (performance.now() > giveUpAt) throw new Error('Not in time');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('go on where they were moved to while the old address answered that it is gone', async () => {
    const hook = await subscribe();
    receiver.react = async ({ path }) => {
      if (path === '/moved') return 204;
      await send('PATCH', `/webhooks/${hook.id}`, { url: `${receiver.url}/moved` });
      return 410;
    };
    await send('POST', '/customers', { id: 'a' });
    const retrying = `/webhooks/${hook.id}/deliveries?state=retrying`;
    await until(async () => (await send<{ data: Shown[] }>('GET', retrying)).data.length === 1);
    clock.advance(2_000);
    await send('POST', '/customers', { id: 'b' });
    await came(2, '/moved');
    expect(await send('GET', `/webhooks/${hook.id}`)).toMatchObject({ enabled: true });
  });

  it('deliver at once what waits, also when the clock was set back since it was noted', async () => {
    const hook = await subscribe();
    await send('PATCH', `/webhooks/${hook.id}`, { enabled: false });
    await send('POST', '/customers', { id: 'a' });
    await app.settled();
    clock.advance(-HOUR);
    await send('PATCH', `/webhooks/${hook.id}`, { enabled: true });
    await came(1);
  });

  it('refuse to deliver again from a place that the log has not reached', async () => {
    await send('POST', '/customers', { id: 'a' });
    const hook = await subscribe();
    const { next } = await send<{ next: string }>('GET', '/events');
    const { eventStore } = app.stores;
    const cursors = new LogCursors(await eventStore.logId(), eventStore);
    const place = cursors.read(next, 'after')?.replaceAll(/\d+/g, (digits) => `${digits}0`);
    const beyond = cursors.write(place as Position);
    await send('POST', `/webhooks/${hook.id}/replay`, { after: beyond }, 410);
    await send('POST', `/webhooks/${hook.id}/replay`, { after: next });
  });
});
