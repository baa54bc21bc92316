import { once } from 'node:events';
import { WatchedApp } from './bad-input-app.js';

const SOURCE_ID = 'fd74a5c5-0163-469a-ae8e-031f0259b576';
const REQUEST_MS = 400;

/** Each with a title that can be read. */
const titled = (...texts: readonly string[]): [title: string, text: string][] =>
  texts.map((text) => [text.length > 60 ? `${text.slice(0, 40)} (${text.length})` : text || 'nothing', text]);

let app: WatchedApp;
let auth: string;
beforeAll(async () => {
  app = await WatchedApp.start({ bodyLimit: 20_000 });
  auth = `Host: x\r\nAuthorization: Bearer ${app.app.secret}\r\n`;
  for (const id of ['standing', 'beside']) await app.send({ method: 'POST', path: '/customers', body: { id } });
});
afterEach(() => app.expectIntact());
afterAll(() => app.close());

describe('a query is taken as text, never as an operator:', () => {
  it.each([
    ['email', 'email[$ne]=x'],
    ['email', 'email[$gt]='],
    ['email', 'email[$regex]=.*'],
    ['email', 'email[$not][$eq]=x'],
    ['email', 'email[__proto__]=x'],
    ['email', 'email[constructor][prototype][x]=y'],
    ['email', 'email.$ne=x'],
    ['email', 'email=a@example.com&email=b@example.com'],
    ['email', 'email%5B%24ne%5D=x'],
    ['ids', 'ids[$in][]=standing'],
    ['ids', 'ids[$nin][]=standing'],
    ['ids', 'ids[]=standing&ids[$ne]=x'],
    ['ids', 'ids[length]=2'],
    ['limit', 'limit[$gt]=1'],
    ['limit', 'limit[]=1'],
    ['limit', 'limit=1&limit=100'],
    ['limit', 'limit=1e2'],
    ['limit', 'limit=%D9%A3'],
    ['limit', 'limit=9007199254740993'],
    ['limit', 'limit=1%00'],
    ['limit', 'limit=1;drop'],
    ['startingAfter', 'startingAfter[$regex]=.'],
    ['startingAfter', "startingAfter=' OR 1=1 --"],
    ['endingBefore', 'endingBefore=standing%00'],
    ['createdTime', 'createdTime[$gte]=2026-01-01T00:00:00Z'],
    ['createdTime', 'createdTime[gte][$ne]=2026-01-01T00:00:00Z'],
    ['createdTime', 'createdTime[__proto__]=2026-01-01T00:00:00Z'],
    ['createdTime', 'createdTime[toString]=1'],
    ['createdTime', 'createdTime[gte]=2026-01-01T00:00:00Z&createdTime[gte]=2026-01-02T00:00:00Z'],
    ['updatedTime', 'updatedTime=%00'],
    ['requestToBeForgotten', 'requestToBeForgotten[$exists]=true'],
    ['requestToBeForgotten', 'requestToBeForgotten=%7B%22%24ne%22%3Atrue%7D'],
  ])('%s is refused in %s', async (parameter, query) => {
    await app.refused({ path: `/customers?${query.replaceAll(' ', '%20')}` }, 400, 'invalid_parameter', parameter);
  });

  it.each(
    titled(
      'email=%7B%22%24ne%22%3Anull%7D',
      "email='%20OR%201=1%20--",
      'email=%00',
      'email=%ff%fe',
      'email=%ed%a0%80',
      'email=*',
      'email=%25',
      `email=${'a'.repeat(8_000)}`,
      'ids=%00',
      'ids=*,%25,_',
      'ids=__proto__,constructor',
      'ids[]=$ne&ids[1]=%7B%7D',
      `ids=${'x'.repeat(8_000)}`,
    ),
  )('nothing matches %s', async (_, query) => {
    const answer = await app.send({ path: `/customers?${query}` });
    expect([answer.status, answer.json()]).toEqual([200, { hasMore: false, data: [] }]);
  });

  it.each(
    titled(
      '',
      '&&&',
      '===',
      '?????',
      '%',
      '%00=%00',
      '%zz=%zz',
      '%ff',
      '__proto__[limit]=1',
      '__proto__.limit=1',
      'constructor[prototype][limit]=1',
      'prototype=1',
      '$where=1',
      'LIMIT=1',
      'limit%00=1',
      'hasOwnProperty=1&toString=1',
      'a[]=1&'.repeat(1_500),
      `a${'[a]'.repeat(2_000)}=1`,
    ),
  )('%s is passed over', async (_, query) => {
    const answer = await app.send({ path: `/customers?${query}` });
    expect([answer.status, answer.json<{ data: unknown[] }>().data.length]).toEqual([200, 2]);
  });
});

describe('an address that can not be read names nothing:', () => {
  it.each(titled(
    '%', '%2', '%zz', '%00', '%c0%af', '%ff', '%u0041', '%ed%a0%80', 'standing%00', '%25%32%65', 'a%2Fb', '%2e%2e%2f', '..%5c', '%0d%0aX:%20y',
    "'%20OR%201=1", '$ne', '{}', '[]', 'standing;a=b', 'standing,beside', 'STANDING', '%20standing', 'standing%20', '__proto__',
    'constructor', 'x'.repeat(10_000), '%E2%80%AE', 'jane@example.com',
  ))('/customers/%s', async (_, name) => {
    for (const [method, tail] of [
      ['GET', ''],
      ['POST', ''],
      ['DELETE', ''],
      ['POST', `/sources/${SOURCE_ID}`],
      ['DELETE', `/sources/${SOURCE_ID}`],
    ] as const) {
      await app.refused({ method, path: `/customers/${name}${tail}` }, 404, 'not_found', 'id');
    }
  }); // prettier-ignore

  it.each(titled('%', '%00', '%c0%af', '1', `${SOURCE_ID}%00`, `%7b${SOURCE_ID}%7d`, '__proto__', 'x'.repeat(10_000)))(
    '/customers/standing/sources/%s',
    async (_, name) => {
      for (const method of ['POST', 'DELETE']) {
        const path = `/customers/standing/sources/${name}`;
        await app.refused({ method, path }, 400, 'invalid_parameter', 'sourceId');
      }
    },
  );

  it.each([
    '/%', '/%63ustomers/%', '//customers', '/customers//', '/./customers', '/customers/../customers', '/customers/./standing',
    '/customers/..%2f..%2fetc/passwd', '/__proto__', '/constructor', '/customers\\standing', '/openapi.json%00', '/health/%', '/health/live/%ff',
  ])('%s', async (path) => {
    await app.refused({ path }, 404, 'not_found');
  }); // prettier-ignore

  it.each([
    '/docs/..%2f..%2fpackage.json', '/docs/%2e%2e/%2e%2e/package.json', '/docs/../../etc/passwd', '/docs/%00', '/docs/%',
    '/docs/swagger-ui.css/..%2f..', '/docs/.', '/docs/nothing.js', '/docs/package.json%00.css', '/docs/..\\..\\package.json',
  ])('%s is no way to other files', async (path) => {
    const { status } = await app.send({ path });
    expect([403, 404]).toContain(status);
  }); // prettier-ignore
});

describe('bad headers:', () => {
  it.each([
    ['idempotency-key', ['x'.repeat(256), '\u00e9', 'a\tb']],
    ['if-match', ['0', '"0', '"', ',', '""0""', '*, "0"', 'w/"0"', '"0" "1"', `"${'0'.repeat(9_000)}`, "' OR 1=1"]],
  ])('%s is none of these, and the answer names it', async (name, values) => {
    for (const value of values) {
      const call = { method: 'POST', path: '/customers/standing', headers: { [name]: value } };
      const answer = await app.refused(call, 400, 'invalid_parameter');
      expect(answer.text.toLowerCase()).toContain(`"parameter":"${name}"`);
    }
  });

  it('an authorization of any kind but a key is 401', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer \u00e4', 'bearer:x', 'Basic x', `Bearer ${'x'.repeat(12_000)}`, 'Bearer a b', "Bearer ' OR 1=1", 'Bearer __proto__']) {
      await app.refused({ path: '/customers', headers: { authorization } }, 401, 'unauthorized');
    }
  }); // prettier-ignore

  it('what is only passed on is taken when it is good and dropped when it is not', async () => {
    for (const name of ['x-request-id', 'traceparent', 'tracestate', 'user-agent', 'cookie', 'x-forwarded-for', 'origin', 'range', 'if-none-match', 'te', 'expect']) {
      for (const value of ['', ' ', '"', '%00', '\u00e9', 'x'.repeat(12_000), '<script>', '{"$ne":1}']) {
        const answer = await app.send({ method: 'POST', path: '/customers/standing', headers: { [name]: value } });
        expect([name, value.slice(0, 20), answer.status]).toEqual([name, value.slice(0, 20), 200]);
        expect(answer.headers['x-request-id']).not.toBe(value);
      }
    }
  }); // prettier-ignore

  it('no method but those of the address is taken, and none is taken from a header', async () => {
    const headers = {
      'x-http-method-override': 'DELETE',
      'x-method-override': 'DELETE',
      'x-original-url': '/customers/beside',
    };
    expect((await app.send({ method: 'POST', path: '/customers/standing?_method=DELETE', headers })).status).toBe(200);
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL', 'REPORT', 'M-SEARCH', 'QUERY']) {
      const answer = await app.send({ method, path: '/customers/standing' });
      expect([method, [400, 405].includes(answer.status)]).toEqual([method, true]);
    }
  });

  it('many of them, and large ones, are refused or taken', async () => {
    const lines = (count: number, size: number): string =>
      Array.from({ length: count }, (_, index) => `X-${index}: ${'y'.repeat(size)}\r\n`).join('');
    const get = `GET /customers/standing HTTP/1.1\r\nConnection: close\r\n${auth}`;
    expect(await app.raw(`${get}${lines(1_000, 1)}\r\n`)).toEqual([200]);
    expect(await app.raw(`${get}${lines(4, 3_000)}\r\n`)).toEqual([200]);
    for (const head of [lines(1, 20_000), lines(20, 1_000), lines(5_000, 1), lines(1, 2_000_000)]) {
      expect(await app.raw(`${get}${head}\r\n`)).toEqual([400]);
    }
    expect(await app.raw(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${auth}\r\n`)).toEqual([400]);
  });
});

describe('what is no HTTP is refused and the connection closed:', () => {
  const post = (head: string, body = ''): string =>
    `POST /customers HTTP/1.1\r\n${auth}Content-Type: application/json\r\n${head}\r\n${body}`;

  it.each([
    ['words', () => 'hello\r\n\r\n'],
    ['the hello of TLS', () => Buffer.from('16030100f1010000ed0303', 'hex')],
    ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/0.9', () => 'GET /customers\r\n\r\n'],
    ['another version', () => `GET /customers HTTP/9.9\r\n${auth}\r\n`],
    ['an unknown method', () => `FETCH /customers HTTP/1.1\r\n${auth}\r\n`],
    ['a method in small letters', () => `get /customers HTTP/1.1\r\n${auth}\r\n`],
    ['a method without end', () => 'X'.repeat(100_000)],
    ['a blank in the address', () => `GET /customers/a b HTTP/1.1\r\n${auth}\r\n`],
    ['a byte of another alphabet in the address', () => Buffer.from(`GET /customers/\u00e4 HTTP/1.1\r\n${auth}\r\n`)],
    ['a control character in the address', () => `GET /customers/\u0001 HTTP/1.1\r\n${auth}\r\n`],
    ['no host', () => `GET /customers HTTP/1.1\r\n${auth.slice(9)}Connection: close\r\n\r\n`],
    ['a blank before the colon', () => `GET /customers HTTP/1.1\r\n${auth}X : y\r\n\r\n`],
    ['a header without name', () => `GET /customers HTTP/1.1\r\n${auth}: y\r\n\r\n`],
    ['a header without colon', () => `GET /customers HTTP/1.1\r\n${auth}nonsense\r\n\r\n`],
    ['a NUL in a header', () => `GET /customers HTTP/1.1\r\n${auth}X: a\0b\r\n\r\n`],
    ['a lone CR in a header', () => `GET /customers HTTP/1.1\r\n${auth}X: a\rb\r\n\r\n`],
    ['two lengths', () => post('Content-Length: 1\r\nContent-Length: 2\r\n', '{}')],
    ['a negative length', () => post('Content-Length: -1\r\n', '{}')],
    ['a length with a sign', () => post('Content-Length: +2\r\n', '{}')],
    ['a length in hex', () => post('Content-Length: 0x2\r\n', '{}')],
    ['a list of lengths', () => post('Content-Length: 2, 2\r\n', '{}')],
    ['a length beyond all numbers', () => post(`Content-Length: ${'9'.repeat(40)}\r\n`, '{}')],
    ['length and chunks at once', () => post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
    ['chunked, and not last', () => post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n')],
    ['an unknown transfer encoding', () => post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
    ['a size of a chunk that is none', () => post('Transfer-Encoding: chunked\r\n', 'zz\r\n{}\r\n0\r\n\r\n')],
    ['a chunk longer than its size', () => post('Transfer-Encoding: chunked\r\n', '1\r\n{}\r\n0\r\n\r\n')],
    ['a body cut off', () => post('Content-Length: 100\r\n', '{"email":')],
    ['chunks cut off', () => post('Transfer-Encoding: chunked\r\n', '5\r\n{"a')],
    ['a head cut off', () => `GET /customers HTTP/1.1\r\n${auth}`],
  ])('%s', async (_, bytes) => {
    expect(await app.raw(bytes())).toEqual([400]);
  });

  it.each([
    ['a body larger than the limit, by its length', () => post('Content-Length: 20001\r\n', 'x'.repeat(20_001))],
    ['a body said to be larger than memory', () => post('Content-Length: 999999999999\r\n', '{')],
    [
      'chunks without end',
      () => post('Transfer-Encoding: chunked\r\n', `1000\r\n${'x'.repeat(0x1000)}\r\n`.repeat(40)),
    ],
  ])('%s is 413', async (_, bytes) => {
    expect((await app.raw(bytes()))[0]).toBe(413);
  });

  it('nothing is taken for a second request that the first one claims as its body', async () => {
    const hidden = `DELETE /customers/standing HTTP/1.1\r\n${auth}\r\n`;
    for (const bytes of [
      post(`Content-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${hidden}`),
      post(`Transfer-Encoding: chunked\r\nContent-Length: ${hidden.length}\r\n`, `0\r\n\r\n${hidden}`),
      post(`Transfer-Encoding : chunked\r\nContent-Length: ${hidden.length}\r\n`, hidden),
      post(`Transfer-Encoding:\u000bchunked\r\nContent-Length: ${hidden.length}\r\n`, hidden),
      post(`Content-Length: 0\r\n Content-Length: ${hidden.length}\r\n`, hidden),
      post(`Connection: close\r\nContent-Length: ${hidden.length}\r\n`, hidden),
    ]) {
      const statuses = await app.raw(bytes);
      expect([bytes, statuses.filter((status) => status !== 400)]).toEqual([bytes, []]);
      expect((await app.send({ path: '/customers/standing' })).status).toBe(200);
    }
  });

  it('requests behind each other on one connection are each answered, up to the first that is broken', async () => {
    const get = `GET /customers/standing HTTP/1.1\r\n${auth}\r\n`;
    expect(await app.raw(get.repeat(5))).toEqual([200, 200, 200, 200, 200]);
    expect(await app.raw(get, 'nonsense\r\n\r\n')).toEqual([200, 400]);
  });

  it('nonsense behind a request that is being carried out does not take the place of its answer', async () => {
    for (const behind of ['x', 'nonsense\r\n\r\n', '\0', post('Content-Length: -1\r\n')]) {
      const [status] = await app.raw(post('Content-Length: 2\r\n', `{}${behind}`));
      expect([behind, status]).toEqual([behind, 201]);
    }
  });

  it.each([
    ['an absolute address', () => `GET http://elsewhere.example/customers HTTP/1.1\r\n${auth}\r\n`, [200, 404]],
    ['no address at all', () => `OPTIONS * HTTP/1.1\r\n${auth}\r\n`, [404, 405]],
    [
      'a wish to change the protocol',
      () => `GET /customers HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
      [200],
    ],
    [
      'a web socket',
      () => `GET /customers HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      [200],
    ],
    ['HTTP/1.0', () => `GET /customers HTTP/1.0\r\n${auth}\r\n`, [200]],
    ['an expectation', () => post('Expect: 100-continue\r\nContent-Length: 2\r\n', '{}'), [201]],
    ['bytes before the request', () => `\r\n\r\nGET /customers HTTP/1.1\r\n${auth}\r\n`, [200]],
    ['trailers', () => post('Transfer-Encoding: chunked\r\nTrailer: X\r\n', '2\r\n{}\r\n0\r\nX: y\r\n\r\n'), [201]],
  ])('%s is answered like any request', async (_, bytes, expected) => {
    const [status, ...more] = await app.raw(bytes());
    expect([expected.includes(status ?? 0), more]).toEqual([true, []]);
  });

  it('CONNECT opens nothing', async () => {
    const statuses = await app.raw(`CONNECT example.com:80 HTTP/1.1\r\n${auth}\r\n`);
    expect(statuses.filter((status) => status < 400)).toEqual([]);
  });
});

describe('what comes too slowly', () => {
  it('is answered with 408, however many do so, and nobody else waits for it', async () => {
    const server = app.app.service.app.getHttpServer();
    const timeouts = [server.headersTimeout, server.requestTimeout] as const;
    [server.headersTimeout, server.requestTimeout] = [REQUEST_MS, REQUEST_MS];
    const slow = Array.from({ length: 100 }, (_, index) => {
      const socket = app.http.connect();
      socket.write(`POST /customers HTTP/1.1\r\n${index % 2 ? `${auth}Content-Length: 9000\r\n\r\n{` : auth}`);
      const drip = setInterval(() => socket.write(index % 2 ? ' ' : 'X'), 50);
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      socket.on('error', () => undefined);
      return once(socket, 'close').then(() => {
        clearInterval(drip);
        return text;
      });
    });
    const others: number[] = [];
    let done = false;
    void Promise.allSettled(slow).then(() => (done = true));
    while (!done) others.push((await app.send({ path: '/customers/standing' })).status);
    const answers = await Promise.all(slow);
    [server.headersTimeout, server.requestTimeout] = timeouts;
    expect(new Set(others)).toEqual(new Set([200]));
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
        type: 'request_timeout',
        errors: [{ code: 'request_timeout' }],
      });
    }
  });
});
