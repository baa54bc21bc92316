import { addKey, type EdgeApp, SECRET, type Send, sender, startEdge } from './edge-app.js';

const ALLOWED = 'https://shop.example';
const PREFLIGHT = { origin: ALLOWED, 'access-control-request-method': 'POST', authorization: '' };
const CORS = ['access-control-allow-origin', 'access-control-allow-methods', 'access-control-expose-headers', 'vary'];

describe('the headers of answers', () => {
  let open: EdgeApp;
  let closed: EdgeApp;
  let send: Send;
  let sendClosed: Send;
  beforeAll(async () => {
    open = await startEdge({ allowedOrigins: ['http://localhost:5173', ALLOWED] });
    closed = await startEdge();
    send = sender(open);
    sendClosed = sender(closed);
    for (const { keys } of [open, closed]) await addKey(keys, SECRET, ['customers:read', 'customers:write']);
  });
  afterAll(async () => {
    await open.app.close();
    await closed.app.close();
  });

  it.each([
    ['a customer', 'GET', '/customers/c1', 200],
    ['a list', 'GET', '/customers?email=jane@example.com', 200],
    ['a new customer', 'POST', '/customers', 201],
    ['a deletion', 'DELETE', '/customers/c1', 204],
    ['an address there is not', 'GET', '/nowhere', 404],
    ['a method there is not', 'PUT', '/customers/c1', 405],
    ['a bad parameter', 'GET', '/customers?limit=0', 400],
  ] as const)('keep %s out of caches, and from being taken for something else', async (_, method, url, status) => {
    const answer = await sendClosed(method, url);
    expect([answer.status, answer.headers['cache-control'], answer.headers['x-content-type-options']]).toEqual([
      status,
      'no-store',
      'nosniff',
    ]);
  });

  it('do so where the key is refused, too', async () => {
    const answer = await sendClosed('GET', '/customers/c1', { headers: { authorization: 'Bearer none' } });
    expect([answer.status, answer.headers['cache-control']]).toEqual([401, 'no-store']);
  });

  it.each(['/docs', '/docs/', '/docs/swagger-ui.css', '/docs/swagger-ui-init.js'])(
    'let %s run and load nothing from elsewhere, and nobody frame it',
    async (url) => {
      const { headers, status } = await sendClosed('GET', url, { headers: { accept: '*/*' } });
      expect(status).toBe(200);
      const policy = String(headers['content-security-policy']).split('; ');
      expect(policy).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "frame-ancestors 'none'",
          "base-uri 'none'",
        ]),
      );
      expect(policy.join()).not.toMatch(/unsafe-eval|script-src[^,]*unsafe|\*/);
      expect(headers['x-content-type-options']).toBe('nosniff');
    },
  );

  it('let the pages of any origin read the document, with and without allowed origins', async () => {
    for (const ask of [send, sendClosed]) {
      const { headers, status } = await ask('GET', '/openapi.json', { headers: { origin: 'https://editor.example' } });
      expect([status, headers['access-control-allow-origin'], headers['vary']]).toEqual([200, '*', undefined]);
    }
  });

  it('tell of no origin where none is allowed, and answer no preflight', async () => {
    const asked = await sendClosed('GET', '/customers/c1', { headers: { origin: ALLOWED } });
    const preflight = await sendClosed('OPTIONS', '/customers/c1', { headers: PREFLIGHT });
    expect([asked.status, preflight.status]).toEqual([200, 405]);
    for (const { headers } of [asked, preflight]) expect(CORS.filter((name) => name in headers)).toEqual([]);
  });

  it('let the pages of an allowed origin read what they asked for, refusals too', async () => {
    for (const [url, status] of [
      ['/customers/c1', 200],
      ['/customers?limit=0', 400],
      ['/nowhere', 404],
    ] as const) {
      const answer = await send('GET', url, { headers: { origin: ALLOWED } });
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ALLOWED, vary: 'Origin' });
      expect(String(answer.headers['access-control-expose-headers'])).toMatch(
        /\bETag\b.*\bRetry-After\b.*\bX-Request-Id\b/,
      );
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    }
    const refused = await send('GET', '/customers/c1', { headers: { origin: ALLOWED, authorization: 'Bearer none' } });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, ALLOWED]);
  });

  it('answer the preflight of an allowed origin without a key, with the methods of that address', async () => {
    for (const [url, methods] of [
      ['/customers', 'GET, HEAD, POST'],
      ['/customers/c1', 'DELETE, GET, HEAD, POST'],
      ['/customers/c1/', 'DELETE, GET, HEAD, POST'],
    ] as const) {
      const { status, headers, text } = await send('OPTIONS', url, { headers: PREFLIGHT });
      expect([status, text]).toEqual([204, '']);
      expect(headers).toMatchObject({
        'access-control-allow-origin': ALLOWED,
        'access-control-allow-methods': methods,
        'access-control-allow-headers': expect.stringMatching(
          /\bAuthorization\b.*\bIdempotency-Key\b.*\bIf-Match\b/,
        ) as string,
        'access-control-max-age': expect.stringMatching(/^\d+$/) as string,
        vary: 'Origin',
      });
    }
  });

  it.each([
    ['another origin', { ...PREFLIGHT, origin: 'https://evil.example' }, '/customers', 405],
    ['a longer origin', { ...PREFLIGHT, origin: `${ALLOWED}.evil.example` }, '/customers', 405],
    ['another scheme', { ...PREFLIGHT, origin: 'http://shop.example' }, '/customers', 405],
    ['the origin null', { ...PREFLIGHT, origin: 'null' }, '/customers', 405],
    ['no preflight', { origin: ALLOWED }, '/customers', 405],
    ['an address there is not', PREFLIGHT, '/nowhere', 404],
  ] as const)('refuse as ever an OPTIONS of %s', async (_, headers, url, status) => {
    const answer = await send('OPTIONS', url, { headers });
    expect([answer.status, answer.headers['access-control-allow-methods']]).toEqual([status, undefined]);
    if ('origin' in headers && headers.origin !== ALLOWED) {
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});
