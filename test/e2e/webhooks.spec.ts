import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { apiKeyFor } from '../../src/access/secrets.js';
import type { Scope } from '../../src/access/scopes.js';
import type { CloudEvent } from '../../src/subscribers/cloud-event.js';
import { logOnServer } from '../support/servers.js';
import { cleanUp, temporaryFolder } from '../support/service-process.js';
import { startTestApp, type TestApp, type TestAppOptions, TestClock } from '../support/test-app.js';
import { type Received, WebhookReceiver } from '../support/webhook-receiver.js';

interface Shown {
  readonly id: string;
  readonly secret: string;
  readonly [field: string]: unknown;
}
const HOUR = 3_600_000;

describe('webhooks', () => {
  let receiver: WebhookReceiver;
  let clock: TestClock;
  const apps: TestApp[] = [];

  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
    clock = new TestClock(Date.now());
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    receiver.stop();
  });
  afterAll(cleanUp);

  const start = async (options: TestAppOptions = {}): Promise<TestApp> => {
    const config = { webhooksAllowLoopback: true, ...options.config };
    const app = await startTestApp({ clock, ...options, config });
    apps.push(app);
    return app;
  };
  const send = async <T = Shown>(
    app: TestApp,
    method: string,
    url: string,
    body?: unknown,
    status?: number,
    secret?: string,
  ): Promise<T> => {
    const headers = secret === undefined ? undefined : { authorization: `Bearer ${secret}` };
    const answer = await app.request({ method, url, ...(body !== undefined && { body }), ...(headers && { headers }) });
    if (status === undefined) expect([url, answer.body, answer.statusCode < 300]).toEqual([url, answer.body, true]);
    else expect([url, answer.body, answer.statusCode]).toEqual([url, answer.body, status]);
    return (answer.body === '' ? undefined : answer.json()) as T;
  };
  const subscribe = (app: TestApp, fields: object = {}, path = '/hook'): Promise<Shown> =>
    send(app, 'POST', '/webhooks', { url: receiver.url + path, ...fields }, 201);
  const keyWith = async (app: TestApp, ...scopes: Scope[]): Promise<string> => {
    const secret = `test-${scopes.join('-')}-secret`.replaceAll(/[^a-z-]/g, '-');
    await app.stores.apiKeys.add(apiKeyFor(secret, { name: 'some', scopes }, clock.now()));
    return secret;
  };
  const came = (count: number, path = '/hook'): Promise<void> =>
    receiver.until(() => receiver.acknowledged(path).length >= count);
  const namesOf = (received: readonly Received[]): string[] =>
    received.map(({ event, sequence }) => `${event.subject} ${sequence}`);
  const laneOf = async (app: TestApp, { id }: Shown, customerId: string): Promise<Shown | undefined> => {
    const page = await send<{ data: Shown[] }>(app, 'GET', `/webhooks/${id}/deliveries?limit=100`);
    return page.data.find((lane) => lane['customerId'] === customerId);
  };
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    const giveUpAt = performance.now() + 15_000;
    while (!(await holds())) {
      if (performance.now() > giveUpAt) throw new Error('Not in time');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('deliver each event once, signed, in order, as the feed shows it, and nothing from before', async () => {
    const app = await start();
    await send(app, 'POST', '/customers', { id: 'before' });
    const hook = await subscribe(app, { personalValues: true });
    await send(app, 'POST', '/customers', { id: 'a', email: 'jane@example.com' });
    await send(app, 'POST', '/customers/a', { locale: 'de_DE', metadata: { n: 'é' }, enabled: false });
    await send(app, 'POST', '/customers/before', { type: 'business' });
    // What is sent only after the deletion holds no value any more.
    await came(5);
    await send(app, 'DELETE', '/customers/a');
    await came(6);
    const verifier = new Webhook(hook.secret);
    for (const { body, headers, event } of receiver.received) {
      expect(verifier.verify(body, headers)).toEqual(event);
      expect(headers).toMatchObject({
        'webhook-id': event.id,
        'content-type': 'application/cloudevents+json; charset=utf-8',
      });
    }
    const ofA = receiver.received.filter(({ event }) => event.subject === 'a');
    expect(ofA.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4]);
    expect(ofA[0]?.event.data).toMatchObject({ email: 'jane@example.com' });
    const feed = await send<{ data: CloudEvent[] }>(app, 'GET', '/events?customerId=a&limit=100');
    // What was opened while there was a key is erased in the feed by now.
    const facts = ({ data: _, ...rest }: CloudEvent): object => rest;
    expect(ofA.map(({ event }) => facts(event))).toEqual(feed.data.map(facts));
    expect(namesOf(receiver.received.filter(({ event }) => event.subject === 'before'))).toEqual(['before 1']);
    await until(async () => (await laneOf(app, hook, 'a'))?.['state'] === 'delivered');
    expect(await laneOf(app, hook, 'a')).toMatchObject({ nextSequence: 5, pending: 0 });
  });

  it('show a secret once, keep it sealed, and keep nothing of what they deliver', async () => {
    const dataDir = await temporaryFolder();
    const app = await start({ dataDir });
    const hook = await subscribe(app, { personalValues: true, description: 'CRM' });
    expect(hook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret, ...shown } = hook;
    expect(await send(app, 'GET', `/webhooks/${hook.id}`)).toEqual(shown);
    expect(await send(app, 'GET', '/webhooks')).toEqual({ data: [shown] });
    await send(app, 'POST', '/customers', { id: 'a', email: 'canary-4711@example.com' });
    await came(1);
    expect(receiver.received[0]?.body).toContain('canary-4711');
    receiver.react = () => 500;
    await send(app, 'POST', '/customers/a', { email: 'canary-4712@example.com' });
    await until(async () => (await laneOf(app, hook, 'a'))?.['state'] === 'retrying');
    const base64 = secret.slice('whsec_'.length);
    for (const name of readdirSync(dataDir)) {
      const bytes = readFileSync(join(dataDir, name));
      for (const text of [base64, 'canary-471'])
        expect([name, text, bytes.includes(text)]).toEqual([name, text, false]);
      expect([name, bytes.includes(Buffer.from(base64, 'base64'))]).toEqual([name, false]);
    }
  });

  it('leave personal values out without the wish for them, and after the erasure from every delivery', async () => {
    const app = await start();
    await subscribe(app, {}, '/plain');
    const open = await subscribe(app, { personalValues: true }, '/open');
    await send(app, 'POST', '/customers', { id: 'a', email: 'jane@example.com' });
    await came(1, '/plain');
    await came(1, '/open');
    expect(receiver.acknowledged('/plain')[0]?.event.data).toMatchObject({ customerId: 'a', redacted: ['email'] });
    expect(receiver.acknowledged('/open')[0]?.event.data).toMatchObject({ email: 'jane@example.com' });
    await send(app, 'DELETE', '/customers/a');
    await app.settled();
    await send(app, 'POST', `/webhooks/${open.id}/replay`, { since: '2020-01-01T00:00:00Z' }, 202);
    await came(4, '/open');
    const [, , again, deleted] = receiver.acknowledged('/open');
    expect(again?.event).toMatchObject({ type: 'customer.created', data: { erased: ['email'] } });
    expect(again?.body).not.toContain('jane@');
    expect(again?.headers['webhook-id']).toBe(receiver.acknowledged('/open')[0]?.headers['webhook-id']);
    expect(deleted?.event.type).toBe('customer.deleted');
  });

  it('need their scopes, and that for personal values also to say where those go', async () => {
    const app = await start();
    const [reader, writer] = [await keyWith(app, 'webhooks:read'), await keyWith(app, 'webhooks:write')];
    const wish = { url: receiver.url };
    await send(app, 'POST', '/webhooks', wish, 403, reader);
    await send(app, 'POST', '/webhooks', { ...wish, personalValues: true }, 403, writer);
    await send(app, 'GET', '/webhooks', undefined, 403, writer);
    const mine = await send(app, 'POST', '/webhooks', wish, 201, writer);
    await send(app, 'PATCH', `/webhooks/${mine.id}`, { personalValues: true }, 403, writer);
    await send(app, 'PATCH', `/webhooks/${mine.id}`, { url: `${receiver.url}/2` }, 200, writer);
    const open = await subscribe(app, { personalValues: true });
    await send(app, 'PATCH', `/webhooks/${open.id}`, { url: `${receiver.url}/stolen` }, 403, writer);
    await send(
      app,
      'PATCH',
      `/webhooks/${open.id}`,
      { url: `${receiver.url}/stolen`, personalValues: true },
      403,
      writer,
    );
    await send(app, 'PATCH', `/webhooks/${open.id}`, { enabled: true, description: 'x' }, 200, writer);
    await send(app, 'PATCH', `/webhooks/${open.id}`, { personalValues: false, url: `${receiver.url}/x` }, 200, writer);
    expect((await send<{ data: Shown[] }>(app, 'GET', '/webhooks', undefined, 200, reader)).data).toHaveLength(2);
  });

  it('deliver the chosen types only, and those of a changed choice from then on', async () => {
    const app = await start();
    const hook = await subscribe(app, { types: ['customer.locale_changed'] });
    await send(app, 'POST', '/customers', { id: 'a', email: 'a@example.com' });
    await send(app, 'POST', '/customers/a', { enabled: false });
    await send(app, 'POST', '/customers/a', { locale: 'de_DE' });
    await came(1);
    await send(app, 'PATCH', `/webhooks/${hook.id}`, { types: null });
    await send(app, 'POST', '/customers/a', { enabled: true });
    await came(2);
    expect(receiver.received.map(({ event }) => event.type)).toEqual(['customer.locale_changed', 'customer.enabled']);
    await send(app, 'PATCH', `/webhooks/${hook.id}`, { types: ['customer.none'] }, 400);
  });

  it('try again what failed, in order, while other customers go on', async () => {
    const app = await start();
    const hook = await subscribe(app);
    receiver.react = ({ event }) => (event.subject === 'bad' ? 500 : 204);
    for (const id of ['bad', 'good']) {
      await send(app, 'POST', '/customers', { id });
      await send(app, 'POST', `/customers/${id}`, { locale: 'de_DE' });
    }
    await came(2);
    await until(async () => (await laneOf(app, hook, 'bad'))?.['state'] === 'retrying');
    expect(await laneOf(app, hook, 'bad')).toMatchObject({
      nextSequence: 0,
      pending: 2,
      attempts: 1,
      lastAttempt: { outcome: 'refused', status: 500 },
    });
    expect(namesOf(receiver.received.filter(({ event }) => event.subject === 'bad'))).toEqual(['bad 0']);
    receiver.react = () => 204;
    clock.advance(2_000);
    await came(4);
    const bad = receiver.received.filter(({ event }) => event.subject === 'bad');
    expect(namesOf(bad)).toEqual(['bad 0', 'bad 0', 'bad 1']);
    expect(bad[1]?.headers['webhook-id']).toBe(bad[0]?.headers['webhook-id']);
    expect(bad[1]?.headers['webhook-timestamp']).not.toBe(bad[0]?.headers['webhook-timestamp']);
  });

  it('keep places for those that did not fail, however many hang that did', async () => {
    const app = await start();
    const hook = await subscribe(app);
    const seen = new Set<string>();
    receiver.react = ({ event: { subject } }) => {
      if (subject === 'good') return 204;
      const first = !seen.has(subject);
      seen.add(subject);
      return first ? 500 : 'hang';
    };
    const ids = Array.from({ length: 70 }, (_, n) => `bad-${n}`);
    await Promise.all(ids.map((id) => send(app, 'POST', '/customers', { id })));
    const retrying = `/webhooks/${hook.id}/deliveries?state=retrying&limit=100`;
    await until(async () => (await send<{ data: Shown[] }>(app, 'GET', retrying)).data.length === ids.length);
    clock.advance(2_000);
    await receiver.until(() => receiver.received.length > ids.length);
    const since = performance.now();
    await send(app, 'POST', '/customers', { id: 'good' });
    await came(1);
    // Those that hang hold their places for 10 s.
    expect(performance.now() - since).toBeLessThan(5_000);
  });

  it('park a customer after 72 hours, show that, and go on with it when it is replayed', async () => {
    const app = await start();
    const hook = await subscribe(app);
    receiver.react = ({ event }) => (event.subject === 'bad' ? 500 : 204);
    await send(app, 'POST', '/customers', { id: 'bad' });
    let attempts = 0;
    await until(async () => {
      const lane = await laneOf(app, hook, 'bad');
      if (lane?.['state'] === 'retrying' && lane['attempts'] !== attempts) {
        attempts = Number(lane['attempts']);
        clock.advance(36 * HOUR);
      }
      return lane?.['state'] === 'parked';
    });
    expect(receiver.received).toHaveLength(3);
    await send(app, 'POST', '/customers/bad', { locale: 'de_DE' });
    await send(app, 'POST', '/customers', { id: 'good' });
    await came(1);
    const parked = await send<{ data: Shown[] }>(app, 'GET', `/webhooks/${hook.id}/deliveries?state=parked`);
    expect(parked.data).toEqual([expect.objectContaining({ customerId: 'bad', nextSequence: 0, pending: 2 })]);
    receiver.react = () => 204;
    await send(app, 'POST', `/webhooks/${hook.id}/replay`, { parked: true }, 202);
    await came(3);
    expect(namesOf(receiver.acknowledged())).toEqual(['good 0', 'bad 0', 'bad 1']);
  });

  it('wait as long as 429 and 503 ask them to', async () => {
    const app = await start();
    const hook = await subscribe(app);
    for (const status of [429, 503]) {
      receiver.react = () => ({ status, headers: { 'retry-after': '3600' } });
      const asked = receiver.received.length;
      await send(app, 'POST', '/customers', { id: `c${status}` });
      await until(async () => (await laneOf(app, hook, `c${status}`))?.['state'] === 'retrying');
      const lane = await laneOf(app, hook, `c${status}`);
      expect(Date.parse(String(lane?.['nextAttemptTime']))).toBe(clock.now() + HOUR);
      receiver.react = () => 204;
      clock.advance(HOUR - 1);
      // Another one comes and goes meanwhile.
      await send(app, 'POST', '/customers', { id: `other${status}` });
      await receiver.until(() => receiver.received.length === asked + 2);
      clock.advance(1);
      await receiver.until(() => receiver.received.length === asked + 3);
    }
  });

  it('end with 410, note what happens meanwhile, and deliver it once they are enabled again', async () => {
    const app = await start();
    const hook = await subscribe(app);
    receiver.react = () => 410;
    await send(app, 'POST', '/customers', { id: 'a' });
    await until(async () => (await send(app, 'GET', `/webhooks/${hook.id}`))['enabled'] === false);
    expect(await send(app, 'GET', `/webhooks/${hook.id}`)).toMatchObject({ disabledReason: 'gone' });
    await send(app, 'POST', '/customers/a', { locale: 'de_DE' });
    await send(app, 'POST', '/customers', { id: 'b' });
    await app.settled();
    expect(receiver.received).toHaveLength(1);
    receiver.react = () => 204;
    const enabled = await send(app, 'PATCH', `/webhooks/${hook.id}`, { enabled: true });
    expect(enabled).not.toHaveProperty('disabledReason');
    await came(3);
    expect(namesOf(receiver.acknowledged()).sort()).toEqual(['a 0', 'a 1', 'b 0']);
  });

  it('deliver again from a cursor of the feed, to no customer twice, and refuse one of another log', async () => {
    const app = await start();
    for (const id of ['a', 'b']) {
      await send(app, 'POST', '/customers', { id });
      await send(app, 'POST', `/customers/${id}`, { locale: 'de_DE' });
    }
    const page = await send<{ next: string }>(app, 'GET', '/events?limit=1');
    const hook = await subscribe(app);
    await send(app, 'POST', `/webhooks/${hook.id}/replay`, { after: page.next }, 202);
    await came(3);
    expect(namesOf(receiver.received).sort()).toEqual(['a 1', 'b 0', 'b 1']);
    await until(async () => !('replaying' in (await send(app, 'GET', `/webhooks/${hook.id}`))));
    const other = await start();
    const strange = await send<{ next: string }>(other, 'GET', '/events?limit=1');
    // On a server they share one log.
    if (!logOnServer) await send(app, 'POST', `/webhooks/${hook.id}/replay`, { after: strange.next }, 410);
    await send(app, 'POST', `/webhooks/${hook.id}/replay`, { after: 'x' }, 400);
    await send(app, 'POST', `/webhooks/${hook.id}/replay`, { after: page.next, parked: true }, 400);
  });

  it('deliver again from a time', async () => {
    const app = await start();
    const hook = await subscribe(app);
    await send(app, 'POST', '/customers', { id: 'a' });
    clock.advance(HOUR);
    await send(app, 'POST', '/customers/a', { locale: 'de_DE' });
    await send(app, 'POST', '/customers', { id: 'b' });
    await came(3);
    const since = new Date(clock.now()).toISOString();
    await send(app, 'POST', `/webhooks/${hook.id}/replay`, { since }, 202);
    await came(5);
    expect(namesOf(receiver.received.slice(3)).sort()).toEqual(['a 1', 'b 0']);
  });

  it('sign with both secrets while one takes the place of the other', async () => {
    const app = await start();
    const hook = await subscribe(app);
    const rotated = await send(app, 'PATCH', `/webhooks/${hook.id}`, { rotateSecret: true });
    expect(rotated.secret).not.toBe(hook.secret);
    expect(Date.parse(String(rotated['secretsExpire']))).toBe(clock.now() + 24 * HOUR);
    await until(async () => (await send(app, 'POST', `/webhooks/${hook.id}/test`))['delivered'] === true);
    const [{ body, headers } = { body: '', headers: {} }] = receiver.received;
    for (const { secret } of [hook, rotated]) expect(new Webhook(secret).verify(body, headers)).toBeDefined();
    expect(JSON.parse(body)).toMatchObject({ type: 'webhook.test', data: { webhookId: hook.id } });
  });

  it('are tried out at once, and tell how it went', async () => {
    const app = await start();
    const hook = await subscribe(app, {});
    receiver.react = () => ({ status: 307, headers: { location: 'http://169.254.169.254/' } });
    const path = `/webhooks/${hook.id}/test`;
    expect(await send(app, 'POST', path)).toEqual({ delivered: false, outcome: 'redirected', status: 307 });
    receiver.react = () => 'break';
    expect(await send(app, 'POST', path)).toEqual({ delivered: false, outcome: 'unreachable' });
    await send(app, 'POST', '/webhooks/wh_none/test', undefined, 404);
  });

  it('are not there any more once removed', async () => {
    const app = await start();
    const hook = await subscribe(app);
    await send(app, 'DELETE', `/webhooks/${hook.id}`, undefined, 204);
    for (const [method, rest] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', '/deliveries'],
      ['POST', '/test'],
    ] as const) {
      await send(app, method, `/webhooks/${hook.id}${rest}`, undefined, 404);
    }
    await send(app, 'POST', `/webhooks/${hook.id}/replay`, { parked: true }, 404);
    await send(app, 'POST', '/customers', { id: 'a' });
    await app.settled();
    expect(receiver.received).toEqual([]);
  });

  it('go on where the process before has left them, by a worker and not by an instance that only serves', async () => {
    const dataDir = await temporaryFolder();
    const first = await start({ dataDir, config: { role: 'api' } });
    // Nobody has followed the log so far: what stands in it from before the subscription is passed over all the same.
    await send(first, 'POST', '/customers', { id: 'early' });
    await subscribe(first);
    await send(first, 'POST', '/customers/early', { locale: 'de_DE' });
    await send(first, 'POST', '/customers', { id: 'a' });
    await first.close();
    apps.pop();
    expect(receiver.received).toEqual([]);
    const second = await start({ dataDir, config: { role: 'worker' } });
    await came(2);
    await second.close();
    apps.pop();
    await start({ dataDir });
    await apps[0]?.settled();
    expect(namesOf(receiver.received).sort()).toEqual(['a 0', 'early 1']);
  });

  it.each([
    'http://hooks.example.com/',
    'https://127.0.0.1/',
    'https://localhost/',
    'https://[::1]/',
    'https://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:169.254.169.254]/',
    'https://[fd00::1]/',
    'https://100.64.0.1/',
    'https://2130706433/',
    'https://user:secret@93.184.216.34/',
    'not a url',
  ])('are refused at their creation, and at a change, for leading where nothing is sent to: %s', async (url) => {
    const app = await start({ config: { webhooksAllowLoopback: false } });
    for (const body of [{ url }, { url, personalValues: true }]) {
      const refused = await send<{ errors: Shown[] }>(app, 'POST', '/webhooks', body, 400);
      expect(refused.errors).toEqual([
        { code: 'invalid_parameter', parameter: 'url', message: expect.stringMatching(/^url /) },
      ]);
      expect(JSON.stringify(refused)).not.toContain('secret');
    }
    const hook = await send(app, 'POST', '/webhooks', { url: 'https://93.184.216.34/' }, 201);
    await send(app, 'PATCH', `/webhooks/${hook.id}`, { url }, 400);
  });
});
