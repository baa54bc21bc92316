import type { Receipt } from '../../src/privacy/receipt.js';
import { viewsOnServer } from '../support/servers.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

interface Told {
  readonly webhookId: string;
  readonly toldTime: string;
  readonly acknowledgedTime?: string;
}
interface Shown {
  readonly state: string;
  readonly receipt?: Receipt;
  readonly subscribers: readonly Told[];
}

describe('of an erasure', () => {
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

  const send = async <T>(method: string, url: string, body?: unknown): Promise<T> => {
    const answer = await app.request({ method, url, ...(body !== undefined && { body }) });
    expect([url, answer.statusCode < 300, answer.body]).toEqual([url, true, answer.body]);
    return (answer.body === '' ? undefined : answer.json()) as T;
  };
  const hook = async (path: string, types?: readonly string[]): Promise<string> =>
    (await send<{ id: string }>('POST', '/webhooks', { url: receiver.url + path, ...(types && { types }) })).id;
  const erasureOf = (id: string, life = 1): Promise<Shown> => send('GET', `/customers/${id}/erasure?life=${life}`);
  async function until(id: string, holds: (erasure: Shown) => boolean): Promise<Shown> {
    const giveUpAt = performance.now() + 15_000;
    for (;;) {
      const erasure = await erasureOf(id);
      if (holds(erasure)) return erasure;
      if (performance.now() > giveUpAt) throw new Error(`Not in time: ${JSON.stringify(erasure)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('every active webhook is told, whatever types it chose; who was told and who acknowledged stands beside the receipt, and grows', async () => {
    receiver.react = ({ path }) => (path === '/fails' ? 500 : 204);
    const [good, failing, off] = [await hook('/good', ['customer.created']), await hook('/fails'), await hook('/off')];
    await send('PATCH', `/webhooks/${off}`, { enabled: false });
    await send('POST', '/customers', { id: 'other' });
    await receiver.until(() => receiver.acknowledged('/good').length === 1);
    // So that its lane comes to the erasure and not to a creation that fails.
    receiver.react = ({ path, event }) => (path === '/fails' && event.type === 'customer.erased' ? 500 : 204);
    await send('POST', '/customers', { id: 'a', email: 'jane@example.com' });
    await send('POST', '/customers/a/erasure', {});
    const time = new Date(clock.now()).toISOString();
    await until('a', ({ subscribers }) => {
      const done = subscribers.find(({ webhookId }) => webhookId === good)?.acknowledgedTime;
      return subscribers.length === 2 && done !== undefined;
    });
    const told = await until('a', ({ state }) => {
      // With the keys on a server it is waited until no cache can hold one: by a clock that stands still.
      if (viewsOnServer) clock.advance(1_000);
      return state === 'erased';
    });
    expect(Object.fromEntries(told.subscribers.map((one) => [one.webhookId, one]))).toEqual({
      [good]: { webhookId: good, toldTime: time, acknowledgedTime: time },
      [failing]: { webhookId: failing, toldTime: time },
    });
    const types = receiver.acknowledged('/good').map(({ event }) => event.type);
    expect(types).toEqual(['customer.created', 'customer.created', 'customer.erased']);
    receiver.react = () => 204;
    clock.advance(60_000);
    await send('PATCH', `/webhooks/${off}`, { enabled: true });
    const later = await until('a', ({ subscribers }) => subscribers.filter((one) => one.acknowledgedTime).length === 3);
    expect(later.subscribers.find(({ webhookId }) => webhookId === failing)).toEqual({
      webhookId: failing,
      toldTime: time,
      acknowledgedTime: new Date(clock.now()).toISOString(),
    });
    expect(later.receipt).toEqual(told.receipt);
    const feed = await send<{ data: { type: string }[] }>('GET', '/events?customerId=a');
    expect(feed.data.map(({ type }) => type)).toEqual(['customer.created', 'customer.erased']);
  });

  it('that a deletion is, every active webhook is told as well', async () => {
    const only = await hook('/only', ['customer.locale_changed']);
    await send('POST', '/customers', { id: 'a', email: 'jane@example.com' });
    await send('DELETE', '/customers/a');
    const { subscribers } = await until('a', (one) => one.subscribers[0]?.acknowledgedTime !== undefined);
    expect(subscribers.map(({ webhookId }) => webhookId)).toEqual([only]);
    expect(receiver.acknowledged('/only').map(({ event }) => event.type)).toEqual(['customer.deleted']);
  });
});
