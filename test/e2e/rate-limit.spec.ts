import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RateLimit } from '../../src/access/rate-limit.js';
import { apiKeyFor } from '../../src/access/secrets.js';
import { Ends } from '../support/ends.js';
import { JwksServer } from '../support/jwks-server.js';
import { compact, makeTokenKey } from '../support/signed-token.js';
import { viewsWithoutIndexes } from '../support/servers.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';

const LIMIT = 20;
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://customers.example';
const signing = makeTokenKey('ES256');

describe('a limit of requests a second', () => {
  const clock = new TestClock();
  const ends = new Ends();
  let issuer: JwksServer;
  let app: TestApp;
  let number = 0;

  beforeAll(async () => {
    issuer = await JwksServer.start([signing.jwk]);
    ends.add(() => issuer.close());
    const tokens = { jwksUrl: issuer.url, issuer: ISSUER, audience: AUDIENCE };
    app = await startTestApp({ clock, config: { tokens, rateLimit: LIMIT } });
    ends.add(() => app.close());
  });
  afterAll(() => ends.run());

  const newKey = async (scopes: readonly ('customers:read' | 'customers:write')[]): Promise<string> => {
    const secret = `limited-key-${(number += 1)}`;
    await app.stores.apiKeys.add(apiKeyFor(secret, { name: 'limited', scopes }, clock.now()));
    return secret;
  };
  const tokenOf = (sub: string): string => {
    const iat = clock.now() / 1000;
    const claims = { iss: ISSUER, aud: AUDIENCE, sub, iat, exp: iat + 60, scope: 'customers:read', jti: (number += 1) };
    return compact({ alg: 'ES256', kid: signing.kid, typ: 'at+jwt' }, claims, signing.sign);
  };
  const ask = (secret: string, method = 'GET') =>
    app.request({ method, url: '/customers', headers: { authorization: `Bearer ${secret}` } });

  /** Many at once. Whole windows of a second may pass meanwhile: each lets the limit through again. */
  async function flood(secrets: readonly string[], method = 'GET') {
    const began = performance.now();
    const answers = await Promise.all(secrets.map((secret) => ask(secret, method)));
    const windows = Math.floor((performance.now() - began) / 1000) + 1;
    const refused = answers.filter(({ statusCode }) => statusCode === 429);
    return { answers, refused, passed: answers.length - refused.length, most: LIMIT * (windows + 1) };
  }

  it('lets so many through and answers the rest with 429, which says when to come again', async () => {
    const { answers, refused, passed, most } = await flood(Array(10 * LIMIT).fill(await newKey(['customers:read'])));
    expect(passed).toBeGreaterThanOrEqual(LIMIT);
    expect(passed).toBeLessThanOrEqual(most);
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200, 429]));
    for (const answer of refused) {
      expect(answer.json()).toEqual({
        type: 'too_many_requests',
        errors: [{ code: 'too_many_requests', message: 'Too many requests' }],
      });
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    }
  });

  it('counts each key by itself, and serves it again in the next second', async () => {
    const [flooding, calm] = [await newKey(['customers:read']), await newKey(['customers:read'])];
    expect((await flood(Array(10 * LIMIT).fill(flooding))).refused.length).toBeGreaterThan(0);
    expect((await ask(calm)).statusCode).toBe(200);
    const began = performance.now();
    while ((await ask(flooding)).statusCode === 429);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('counts the tokens of a subject together, and each subject by itself', async () => {
    const { refused, passed, most } = await flood(Array.from({ length: 10 * LIMIT }, () => tokenOf('flooding')));
    expect(refused.length).toBeGreaterThan(0);
    expect(passed).toBeLessThanOrEqual(most);
    expect((await ask(tokenOf('calm'))).statusCode).toBe(200);
  });

  it('counts those who are let into nothing: 403 turns into 429', async () => {
    const { answers } = await flood(Array(10 * LIMIT).fill(await newKey(['customers:write'])));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([403, 429]));
  });

  it('counts bad keys and tokens by address, and keeps no good key out from there', async () => {
    const bad = Array.from({ length: 10 * LIMIT }, (_, n) => (n % 2 === 0 ? `unknown-${n}` : `${tokenOf('a')}x`));
    const good = await newKey(['customers:read']);
    const { answers, passed, most } = await flood(bad);
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([401, 429]));
    expect(passed).toBeLessThanOrEqual(most);
    expect((await ask(good)).statusCode).toBe(200);
  });

  it('does nothing of what it refuses', async () => {
    const [writer, reader] = [await newKey(['customers:write']), await newKey(['customers:read'])];
    const { passed } = await flood(Array(5 * LIMIT).fill(writer), 'POST');
    expect(passed).toBeLessThan(5 * LIMIT);
    const headers = { authorization: `Bearer ${reader}` };
    let made = 0;
    for (let after: string | undefined, more = true; more;) {
      const url = `/customers?limit=100${after === undefined ? '' : `&startingAfter=${after}`}`;
      const page = (await app.request({ method: 'GET', url, headers })).json<{
        hasMore: boolean;
        data: [{ id: string }];
      }>();
      made += page.data.length;
      after = page.data.at(-1)?.id;
      more = page.hasMore;
    }
    expect(made).toBe(passed);
  });

  it.each(['/health/live', '/health/ready', '/openapi.json', '/docs'])('is none on %s', async (url) => {
    const headers = { authorization: 'Bearer unknown' };
    const asked = Array.from({ length: 3 * LIMIT }, () => app.request({ method: 'GET', url, headers }));
    expect(new Set((await Promise.all(asked)).map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  });
});

it('without RATE_LIMIT nobody is counted', async () => {
  const app = await startTestApp();
  try {
    const length = (await viewsWithoutIndexes()) ? 50 : 500;
    const all = await Promise.all(Array.from({ length }, () => app.request({ method: 'GET', url: '/customers' })));
    expect(new Set(all.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  } finally {
    await app.close();
  }
});

it('the counters are gone a second later, whoever asked', async () => {
  const limit = new RateLimit({ rateLimit: 5 });
  const counters = (): number =>
    (Reflect.get(limit, 'limiter') as { dump(): { storage: unknown[] } }).dump().storage.length;
  for (let n = 0; n < 10_000; n += 1) await limit.count(`address:${n}`);
  expect(counters()).toBeGreaterThan(0);
  while (counters() > 0) await new Promise((turn) => setImmediate(turn));
});
