import { createHmac, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ALGORITHMS } from '../../src/access/bearer-tokens.js';
import type { Stores } from '../../src/adapters.js';
import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { Ends } from '../support/ends.js';
import { deadAddress, JwksServer } from '../support/jwks-server.js';
import { compact, makeTokenKey } from '../support/signed-token.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

const ISSUER = 'https://issuer.example/';
const AUDIENCE = 'https://customers.example';
const key = makeTokenKey('ES256');

const claims = (clock: TestClock, more: object = {}): object => {
  const now = Math.floor(clock.now() / 1000);
  const scope = 'openid customers:read customers:write email';
  return { iss: ISSUER, aud: AUDIENCE, sub: 'jane@example.com', iat: now, exp: now + 300, scope, ...more };
};
const tokenWith = (clock: TestClock, more: object = {}): string =>
  compact({ alg: key.alg, kid: key.kid, typ: 'at+jwt' }, claims(clock, more), key.sign);

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Closed after the test, whatever becomes of it. */
const opened: { close(): Promise<void> }[] = [];
function open<T extends { close(): Promise<void> }>(closable: T): T {
  opened.push(closable);
  return closable;
}
afterEach(async () => {
  for (const closable of opened.splice(0).reverse()) await closable.close();
});

describe('bearer tokens', () => {
  const clock = new TestClock();
  const keys = ALGORITHMS.map((alg) => (alg === 'ES256' ? key : makeTokenKey(alg)));
  const ends = new Ends();
  let issuer: JwksServer;
  let app: TestApp;
  let keyLookUps = 0;
  let keyStoreDown = false;

  /** Counts look-ups of API keys, and refuses them on demand. */
  const watch = (stores: Stores): Stores => {
    const find = stores.apiKeys.findByHash.bind(stores.apiKeys);
    stores.apiKeys.findByHash = (hash) => {
      keyLookUps += 1;
      return keyStoreDown ? Promise.reject(new StoreUnavailable('api_keys')) : find(hash);
    };
    return stores;
  };

  beforeAll(async () => {
    issuer = await JwksServer.start(keys.map(({ jwk }) => jwk));
    ends.add(() => issuer.close());
    const tokens = { jwksUrl: issuer.url, issuer: ISSUER, audience: AUDIENCE };
    app = await startTestApp({ clock, config: { tokens }, wrap: watch });
    ends.add(() => app.close());
  });
  afterAll(() => ends.run());

  it('fetches no key before a token needs one', () => {
    expect(issuer.asked).toEqual([]);
  });

  it.each(keys.map((each) => [each.alg, each] as const))(
    'are taken when signed with %s',
    async (alg, { kid, sign }) => {
      const token = compact({ alg, kid, typ: 'at+jwt' }, claims(clock), sign);
      expect((await app.request({ method: 'GET', url: '/customers', headers: bearer(token) })).statusCode).toBe(200);
      expect(issuer.asked).toHaveLength(1);
    },
  );

  it.each(['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT', 'jwt'])('are taken with the typ %s', async (typ) => {
    const token = compact({ alg: key.alg, kid: key.kid, typ }, claims(clock), key.sign);
    expect((await app.request({ method: 'GET', url: '/customers', headers: bearer(token) })).statusCode).toBe(200);
  });

  it.each([
    ['an audience among others', { aud: ['https://other.example', AUDIENCE] }],
    ['a clock that is 10 s ahead', { iat: clock.now() / 1000 + 10, nbf: clock.now() / 1000 + 10 }],
    ['an end 9 s ago', { exp: clock.now() / 1000 - 9 }],
    ['an age of a day', { iat: clock.now() / 1000 - 86_400 }],
    ['claims that mean nothing here', { client_id: 'shop', nonce: 'n', roles: { a: 1 } }],
  ])('are taken with %s', async (_, more) => {
    const headers = bearer(tokenWith(clock, more));
    expect((await app.request({ method: 'GET', url: '/customers', headers })).statusCode).toBe(200);
  });

  it('open what their scopes say, and nothing else', async () => {
    const statusOf = async (method: string, scope: unknown): Promise<number> =>
      (await app.request({ method, url: '/customers', headers: bearer(tokenWith(clock, { scope })) })).statusCode;
    expect(await statusOf('GET', 'customers:read')).toBe(200);
    expect(await statusOf('POST', 'customers:read')).toBe(403);
    expect(await statusOf('POST', 'customers:write')).toBe(201);
    expect(await statusOf('GET', 'admin customers:write')).toBe(403);
    for (const none of ['', 'openid', 'customers', 'CUSTOMERS:READ', 'xcustomers:read', 'customers:read,x', 7, null]) {
      expect(await statusOf('GET', none)).toBe(403);
    }
    expect(await statusOf('GET', ['customers:read'])).toBe(403);
    expect(await statusOf('GET', undefined)).toBe(403);
  });

  it('are told what they lack as API keys are', async () => {
    const headers = bearer(tokenWith(clock, { scope: 'openid' }));
    expect((await app.request({ method: 'GET', url: '/customers', headers })).json()).toEqual({
      type: 'forbidden',
      errors: [{ code: 'forbidden', message: 'The token lacks the scope customers:read' }],
    });
  });

  it('stand in the log of events as an HMAC of issuer and subject, and as nothing else', async () => {
    const id = randomUUID();
    const headers = bearer(tokenWith(clock));
    expect((await app.request({ method: 'POST', url: '/customers', headers, body: { id } })).statusCode).toBe(201);
    const events = await app.stores.eventStore.read(`customer-${id}`);
    const hmac = createHmac('sha256', app.privacy.secrets.tokenSubject)
      .update(`["${ISSUER}","jane@example.com"]`)
      .digest('base64url');
    expect(events.map(({ metadata }) => metadata['actor'])).toEqual([{ type: 'token', id: hmac }]);
    expect(JSON.stringify(events)).not.toMatch(/jane|issuer\.example/);
  });

  it('own their Idempotency-Keys subject by subject, across tokens', async () => {
    const create = async (sub: string): Promise<string> => {
      const headers = { ...bearer(tokenWith(clock, { sub, jti: randomUUID() })), 'idempotency-key': 'one' };
      return (await app.request({ method: 'POST', url: '/customers', headers, body: {} })).json<{ id: string }>().id;
    };
    const first = await create('a');
    expect(await create('a')).toBe(first);
    expect(await create('b')).not.toBe(first);
  });

  it('need no look-up of an API key, and are judged while that store is down', async () => {
    const before = keyLookUps;
    keyStoreDown = true;
    const statusWith = async (token: string): Promise<number> =>
      (await app.request({ method: 'GET', url: '/customers', headers: bearer(token) })).statusCode;
    expect(await statusWith(tokenWith(clock))).toBe(200);
    expect(await statusWith(tokenWith(clock, { exp: 1 }))).toBe(401);
    expect(keyLookUps).toBe(before);
    expect(await statusWith('unknown-api-key')).toBe(503);
    keyStoreDown = false;
    expect(await statusWith(app.secret)).toBe(200);
  });
});

it('a token is an unknown key where tokens are not configured', async () => {
  const clock = new TestClock();
  const app = open(await startTestApp({ clock }));
  const answer = await app.request({ method: 'GET', url: '/customers', headers: bearer(tokenWith(clock)) });
  expect(answer.statusCode).toBe(401);
});

describe('while the keys of the issuer are out of reach', () => {
  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    'it never answers': () => undefined,
    'it stops in the middle': (response) => response.write('{"keys":['),
    'it cuts the connection': (response) => response.destroy(),
    'it answers 500': (response) => response.writeHead(500).end('{"keys":[]}'),
    'it answers 404': (response) => response.writeHead(404).end(),
    'it sends elsewhere': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    'it answers no JSON': (response) => response.end('<html>'),
    'it answers no key set': (response) => response.end('{"keys":"none"}'),
    'it answers null': (response) => response.end('null'),
    'it answers too much': (response) => response.end(JSON.stringify({ keys: [], padding: 'x'.repeat(300_000) })),
    'it never stops answering': (response) => {
      const more = (): boolean => !response.writableEnded && response.write(' '.repeat(65_536), more);
      more();
    },
  };

  const start = async (clock: TestClock, jwksUrl: string): Promise<TestApp> =>
    open(await startTestApp({ clock, config: { tokens: { jwksUrl, issuer: ISSUER, audience: AUDIENCE } } }));

  it.each(Object.entries(answers))(
    '(%s) a good token is 503 within 5 s, and 200 again soon after',
    async (_, worse) => {
      const clock = new TestClock();
      const issuer = open(await JwksServer.start([key.jwk]));
      const app = await start(clock, issuer.url);
      const ask = () => app.request({ method: 'GET', url: '/customers', headers: bearer(tokenWith(clock)) });
      const good = issuer.answer;
      issuer.answer = worse;
      const began = Date.now();
      const all = await Promise.all(Array.from({ length: 20 }, ask));
      expect(Date.now() - began).toBeLessThan(5_000);
      for (const answer of [...all, await ask()]) {
        expect(answer.json()).toMatchObject({ type: 'service_unavailable', errors: [{ code: 'service_unavailable' }] });
        expect(answer.statusCode).toBe(503);
        expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      }
      expect(issuer.asked).toEqual(['/keys']);
      issuer.answer = good;
      clock.advance(2_000);
      expect((await ask()).statusCode).toBe(200);
      expect(issuer.asked).toEqual(['/keys', '/keys']);
    },
  );

  it('what can be refused without them is 401, API keys are served, and none waits for them', async () => {
    const clock = new TestClock();
    const issuer = open(await JwksServer.start([]));
    issuer.answer = () => undefined;
    const app = await start(clock, issuer.url);
    const now = clock.now() / 1000;
    const statusWith = async (token: string): Promise<number> =>
      (await app.request({ method: 'GET', url: '/customers', headers: bearer(token) })).statusCode;
    for (const bad of [{ exp: now - 60 }, { iss: 'x' }, { aud: 'x' }, { sub: '' }, { iat: now + 60 }, { iat: 'now' }]) {
      expect(await statusWith(tokenWith(clock, bad))).toBe(401);
    }
    const algs = ['none', 'HS256', 'ES256K', 'RS1'].map((alg) => ({ alg, kid: key.kid, typ: 'jwt' }));
    for (const header of [{ typ: 'jwt' }, { kid: key.kid }, { kid: key.kid, typ: 'jwt', crit: ['x'] }, ...algs]) {
      expect(await statusWith(compact({ alg: 'ES256', ...header }, claims(clock), key.sign))).toBe(401);
    }
    expect(await statusWith(app.secret)).toBe(200);
    expect(issuer.asked).toEqual([]);
  });

  it('known keys are used on', async () => {
    const clock = new TestClock();
    const issuer = open(await JwksServer.start([key.jwk]));
    const app = await start(clock, issuer.url);
    const ask = () => app.request({ method: 'GET', url: '/customers', headers: bearer(tokenWith(clock)) });
    expect((await ask()).statusCode).toBe(200);
    await issuer.close();
    expect((await ask()).statusCode).toBe(200);
  });

  it('nobody listening is 503 too', async () => {
    const clock = new TestClock();
    const app = await start(clock, await deadAddress());
    const answer = await app.request({ method: 'GET', url: '/customers', headers: bearer(tokenWith(clock)) });
    expect(answer.statusCode).toBe(503);
  });
});
