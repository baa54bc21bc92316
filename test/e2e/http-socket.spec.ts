import { METHODS } from 'node:http';
import { createConnection } from 'node:net';
import { addKey, type EdgeApp, SECRET, startEdge } from './edge-app.js';

describe('the HTTP edge on a socket', () => {
  let edge: EdgeApp;
  let port: number;
  beforeAll(async () => {
    edge = await startEdge({ timeouts: { request: 300, check: 50 } });
    await addKey(edge.keys, SECRET, ['customers:read', 'customers:write']);
    await edge.app.listen(0, '127.0.0.1');
    port = Number(new URL(await edge.app.getUrl()).port);
  });
  afterAll(() => edge.app.close());

  /** Sends bytes as they are and reads until the server closes the connection. */
  const exchange = (...chunks: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(port, '127.0.0.1', () => chunks.forEach((chunk) => socket.write(chunk)));
      let received = '';
      socket.setEncoding('utf8').on('data', (text: string) => (received += text));
      socket.on('end', () => resolve(received)).on('error', reject);
    });

  const bodyOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  const AUTH = `Authorization: Bearer ${SECRET}\r\n`;

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['an unknown method', 'FETCH /customers HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['two lengths', 'POST /customers HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a bad length', 'POST /customers HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n'],
    [
      'length and chunks at once',
      'POST /customers HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['a head of 20 KB', `GET /customers HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`],
    ['no host', 'GET /customers HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ])('answers %s with 400 in the shape of every error', async (_, request) => {
    const answer = await exchange(request);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toMatch(/\r\nx-request-id: /i);
    expect(bodyOf(answer)).toMatchObject({ type: 'bad_request', errors: [{ code: 'invalid_format' }] });
  });

  it.each([
    ['head', 'GET /customers HTTP/1.1\r\nHost: x\r\n'],
    [
      'body',
      `POST /customers HTTP/1.1\r\nHost: x\r\n${AUTH}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id"`,
    ],
  ])('answers a %s that does not come to its end with 408', async (_, request) => {
    const answer = await exchange(request);
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(bodyOf(answer)).toMatchObject({ type: 'request_timeout', errors: [{ code: 'request_timeout' }] });
    expect(edge.recorder.asked).toEqual([]);
  });

  it('takes a body in chunks, and an expectation it does not know', async () => {
    const answer = await exchange(
      `POST /customers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: miracles\r\n${AUTH}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      '8\r\n{"id":"c\r\n',
      '3\r\n9"}\r\n0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect(edge.recorder.last).toMatchObject({ id: 'c9' });
  });

  it('ends an endless chunked body with 413', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const answer = await exchange(
      `POST /customers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${AUTH}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      ...Array.from({ length: 9 }, () => chunk),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  const withHeaders = (lines: string, body = ''): string =>
    `POST /customers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${String(body.length)}\r\n${lines}\r\n${body}`;

  it.each([
    ['Authorization', `${AUTH}${AUTH}`],
    ['Authorization', `${AUTH}authorization: Bearer other\r\n`],
    ['Content-Type', `${AUTH}Content-Type: application/json\r\nContent-Type: text/plain\r\n`],
    ['Content-Type', `${AUTH}Content-Type: application/json\r\nCONTENT-TYPE: application/json\r\n`],
    ['Idempotency-Key', `${AUTH}Idempotency-Key: a\r\nIdempotency-Key: b\r\n`],
    ['Idempotency-Key', `${AUTH}Idempotency-Key: a\r\nidempotency-key: a\r\n`],
    ['X-Reason', `${AUTH}X-Reason: a; b\r\nX-Reason: c\r\n`],
    ['Host', `${AUTH}Host: y\r\n`],
    ['Host', `${AUTH}host: x\r\n`],
  ])('answers two lines of %s with 400 that names it (case %#)', async (name, lines) => {
    const before = edge.recorder.asked.length;
    const answer = await exchange(withHeaders(lines, '{}'));
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(bodyOf(answer)).toMatchObject({ errors: [{ code: 'invalid_parameter', parameter: name }] });
    expect(edge.recorder.asked).toHaveLength(before);
  });

  it('combines headers that are lists, and makes an id of its own for a request that brings two', async () => {
    const lines = `${AUTH}Accept: text/html\r\nAccept: application/json\r\nX-Request-Id: mine\r\nX-Request-Id: mine\r\n`;
    const answer = await exchange(withHeaders(lines));
    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect(answer).toMatch(/\r\nx-request-id: [0-9a-f-]{36}\r\n/i);
    expect(answer).not.toContain('mine');
  });

  const parsed = METHODS.filter((method) => !['GET', 'HEAD', 'POST', 'CONNECT'].includes(method));
  it.each(parsed)('answers the method %s, which Node knows, with 405 and what is allowed', async (method) => {
    const answer = await exchange(`${method} /customers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    expect(answer).toMatch(/\r\nallow: GET, HEAD, POST\r\n/i);
    expect(bodyOf(answer)).toMatchObject({ type: 'method_not_allowed', errors: [{ code: 'method_not_allowed' }] });
  });

  it('answers CONNECT with 405, for it is no proxy', async () => {
    const answer = await exchange('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    expect(answer).toMatch(/\r\nallow: /i);
    expect(bodyOf(answer)).toMatchObject({ errors: [{ code: 'method_not_allowed' }] });
  });
});
