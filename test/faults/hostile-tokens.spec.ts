import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, HttpCaller } from '../support/http-call.js';
import { JwksServer } from '../support/jwks-server.js';
import { startTestApp, type TestApp, TestClock } from '../support/test-app.js';
import { AUDIENCE, goodToken, hostileTokens, ISSUER, KEY_SET, tokenOfUnknownKey } from './hostile-tokens.js';

const NOW = new TestClock().now() / 1000;

describe('hostile tokens', () => {
  let issuer: JwksServer;
  let app: TestApp;
  let caller: HttpCaller;
  let corpus: Readonly<Record<string, string>>;

  beforeAll(async () => {
    issuer = await JwksServer.start(KEY_SET);
    corpus = hostileTokens(NOW, new URL(issuer.url).origin);
    const tokens = { jwksUrl: issuer.url, issuer: ISSUER, audience: AUDIENCE };
    app = await startTestApp({ clock: new TestClock(), config: { tokens } });
    caller = new HttpCaller(await app.listen(), app.secret);
  });
  afterAll(async () => {
    caller.close();
    await app.close();
    await issuer.close();
  });

  const callWith = (token: string, path = '/customers'): Promise<Answer> =>
    caller.call({ path, headers: { authorization: `Bearer ${token}` } });

  function expectRefusal({ status, headers, text }: Answer): void {
    expect(JSON.parse(text)).toEqual({
      type: 'unauthorized',
      errors: [{ code: 'unauthorized', message: 'A valid API key is required: Authorization: Bearer <key>' }],
    });
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe('Bearer');
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
  }

  const names = Object.keys(hostileTokens(NOW, ''));

  it('are many, each another one, beside one that is good', async () => {
    expect(names.length).toBeGreaterThanOrEqual(40);
    expect(new Set(Object.values(corpus)).size).toBe(names.length);
    expect((await callWith(goodToken(NOW))).status).toBe(200);
  });

  it.each(names)('%j is refused with 401', async (name) => {
    expectRefusal(await callWith(corpus[name]!));
  });

  it('change nothing by coming all at once: the good one is served, and the keys were fetched once in all', async () => {
    const answers = await Promise.all(Object.values(corpus).map((token) => callWith(token)));
    answers.forEach(expectRefusal);
    expect((await callWith(goodToken(NOW))).status).toBe(200);
    expect(issuer.asked).toEqual(['/keys']);
  });

  it('that name 500 unknown keys make the keys be fetched no more often either', async () => {
    const kids = Array.from({ length: 500 }, (_, n) => `unknown-${n}`);
    const answers = await Promise.all(kids.map((kid) => callWith(tokenOfUnknownKey(NOW, kid))));
    answers.forEach(expectRefusal);
    expect(issuer.asked).toEqual(['/keys']);
  });

  it('that are no header any more never become a request: 400', async () => {
    const token = goodToken(NOW);
    for (const value of [`${token}\0`, `${token.slice(0, 20)}\0${token.slice(20)}`, `${token}${'x'.repeat(20_000)}`]) {
      const answer = await caller.raw(`GET /customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${value}\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('"type":"bad_request"');
    }
  });

  it('are not looked for anywhere but in the header', async () => {
    const token = goodToken(NOW);
    const headers = { authorization: 'Basic eDp4', cookie: `access_token=${token}`, 'x-access-token': token };
    expectRefusal(await caller.call({ path: `/customers?access_token=${token}`, headers }));
  });
});
