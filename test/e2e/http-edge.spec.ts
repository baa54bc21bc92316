import { createConnection } from 'node:net';
import { IdempotencyKeyReused, PreconditionFailed } from '../../src/event-sourcing/command-context.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { CreateCustomer } from '../../src/customers/commands/create-customer.js';
import { ForgetCustomer } from '../../src/customers/commands/forget-customer.js';
import { UpdateCustomer } from '../../src/customers/commands/update-customer.js';
import { CustomerError, type CustomerErrorCode } from '../../src/customers/domain/errors.js';
import { ERROR_TYPES, ERRORS, type ErrorBody, type ErrorCode } from '../../src/http/errors.js';
import { addKey, aView, type EdgeApp, NOW, SOURCE_ID, startEdge } from './edge-app.js';

const SECRET = 'secret-of-a-test-key';
const READER = 'secret-of-a-reading-key';
const JSON_TYPE = { 'content-type': 'application/json' };

type Method = 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'OPTIONS' | 'HEAD';
interface Sent {
  readonly body?: string | Buffer | object;
  readonly headers?: Record<string, string>;
}
interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  json<T = unknown>(): T;
}

describe('the HTTP edge', () => {
  let edge: EdgeApp;
  beforeAll(async () => {
    edge = await startEdge({ bodyLimit: 300_000 });
    await addKey(edge.keys, SECRET, ['customers:read', 'customers:write']);
    await addKey(edge.keys, READER, ['customers:read']);
  });
  afterAll(() => edge.app.close());
  afterEach(() => edge.recorder.reset());

  async function send(method: Method, url: string, { body, headers }: Sent = {}): Promise<Answer> {
    const plain = typeof body === 'object' && !Buffer.isBuffer(body);
    const response = await edge.app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${SECRET}`, ...(body !== undefined && JSON_TYPE), ...headers },
      ...(body !== undefined && { payload: plain ? JSON.stringify(body) : body }),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      json: <T>() => response.json() as T,
    };
  }

  function expectErrors(answer: Answer, ...errors: readonly (readonly [ErrorCode, string?])[]): void {
    const status = ERRORS[errors[0]?.[0] ?? 'invalid_format'].status;
    expect(answer.json<ErrorBody>()).toEqual({
      type: ERROR_TYPES[status],
      errors: errors.map(([code, parameter]) => ({
        code,
        ...(parameter !== undefined && { parameter }),
        message: expect.any(String) as string,
      })),
    });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  }

  describe('answers each operation as the contract says', () => {
    it('lists with the page envelope', async () => {
      const answer = await send('GET', '/customers');
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ hasMore: true, data: [{ id: 'c1', liveMode: false }] });
      expect(edge.recorder.last).toMatchObject({ filter: {}, limit: 10, cursor: {} });
    });

    it('creates without any body', async () => {
      const answer = await send('POST', '/customers');
      expect(answer.status).toBe(201);
      expect(answer.headers).toMatchObject({ location: '/customers/c1', etag: '"7"' });
      expect(edge.recorder.last).toMatchObject({ id: undefined, changes: {} });
    });

    it('hands a create on with id and changes', async () => {
      const body = { id: '5823594808', email: 'jane@example.com', metadata: { a: '' } };
      const answer = await send('POST', '/customers', { body });
      expect(answer.headers['location']).toBe('/customers/5823594808');
      expect(edge.recorder.last).toBeInstanceOf(CreateCustomer);
      expect(edge.recorder.last).toMatchObject({
        id: '5823594808',
        changes: { email: 'jane@example.com', metadata: { a: '' } },
        context: { actor: { type: 'api_key', id: expect.stringMatching(/^key_/) as string }, deadline: NOW + 4000 },
      });
    });

    it('gets one with its entity tag', async () => {
      const answer = await send('GET', '/customers/c1');
      expect(answer.status).toBe(200);
      expect(answer.headers['etag']).toBe('"7"');
      expect(Object.keys(answer.json<object>())).toEqual([
        'id', 'enabled', 'requestToBeForgotten', 'taxCertificates', 'sources', 'createdTime', 'updatedTime', 'liveMode',
      ]); // prettier-ignore
    });

    it('shows of an erased customer what remains and nothing else', async () => {
      edge.recorder.opened = {
        view: aView({ status: 'erased', locale: 'en_US' }),
        email: 'x@y.zz',
        taxCertificates: [],
      };
      expect((await send('GET', '/customers/c1')).json()).toEqual({
        id: 'c1',
        enabled: false,
        requestToBeForgotten: true,
        createdTime: '2026-03-01T09:30:00.000Z',
        updatedTime: '2026-03-01T09:31:00.000Z',
        liveMode: false,
      });
    });

    it('updates with 200, and forgets when the body asks for it', async () => {
      const updated = await send('POST', '/customers/c1', { body: { locale: null, requestToBeForgotten: false } });
      expect([updated.status, updated.headers['etag']]).toEqual([200, '"7"']);
      expect(edge.recorder.last).toBeInstanceOf(UpdateCustomer);
      await send('POST', '/customers/c1', { body: { locale: 'de_DE', requestToBeForgotten: true } });
      expect(edge.recorder.last).toBeInstanceOf(ForgetCustomer);
      expect(edge.recorder.last).toMatchObject({ id: 'c1', changes: { locale: 'de_DE', requestToBeForgotten: true } });
    });

    it('deletes and detaches with 204 and no body, attaches with 200 and the source', async () => {
      const deleted = await send('DELETE', '/customers/c1');
      expect([deleted.status, deleted.text]).toEqual([204, '']);
      const attached = await send('POST', `/customers/c1/sources/${SOURCE_ID.toUpperCase()}`);
      expect(attached.status).toBe(200);
      expect(attached.json()).toEqual({
        id: SOURCE_ID,
        customerId: 'c1',
        state: 'chargeable',
        reusable: true,
        createdTime: '2026-03-01T09:31:00.000Z',
      });
      expect(edge.recorder.last).toMatchObject({ id: 'c1', sourceId: SOURCE_ID });
      const detached = await send('DELETE', `/customers/c1/sources/${SOURCE_ID}`);
      expect([detached.status, detached.text]).toEqual([204, '']);
    });
  });

  describe('takes what clients really send', () => {
    it.each([
      ['GET', '/customers', 200],
      ['GET', '/customers/c1', 200],
      ['DELETE', '/customers/c1', 204],
      ['POST', '/customers', 201],
      ['POST', '/customers/c1', 200],
      ['POST', `/customers/c1/sources/${SOURCE_ID}`, 200],
    ] as const)('a JSON content type without a body on %s %s', async (method, url, status) => {
      expect((await send(method, url, { headers: JSON_TYPE })).status).toBe(status);
      expect((await send(method, url, { headers: { ...JSON_TYPE, 'content-length': '0' } })).status).toBe(status);
    });

    it.each(['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'])(
      'the content type %s',
      async (type) => {
        const answer = await send('POST', '/customers', { body: { id: 'x' }, headers: { 'content-type': type } });
        expect(answer.status).toBe(201);
        expect(edge.recorder.last).toMatchObject({ id: 'x' });
      },
    );

    it('a trailing slash, and an id that is percent-encoded', async () => {
      expect((await send('GET', '/customers/')).status).toBe(200);
      expect((await send('GET', '/customers/%63%31/')).status).toBe(200);
      expect(edge.recorder.last).toMatchObject({ id: 'c1' });
    });

    it('a customer that was read, edited and posted back', async () => {
      const customer = (await send('GET', '/customers/c1')).json<object>();
      const answer = await send('POST', '/customers/c1', { body: { ...customer, enabled: false } });
      expect(answer.status).toBe(200);
      expect(edge.recorder.last).toMatchObject({ changes: { enabled: false, requestToBeForgotten: false } });
    });
  });

  describe('access', () => {
    it.each([
      ['no key', {}],
      ['another scheme', { authorization: `Basic ${SECRET}` }],
      ['an empty key', { authorization: 'Bearer ' }],
      ['an unknown key', { authorization: 'Bearer unknown' }],
      ['two keys', { authorization: `Bearer ${SECRET} ${SECRET}` }],
    ])('refuses %s with 401 before it looks at anything else', async (_, headers: Record<string, string>) => {
      const response = await edge.app.inject({
        method: 'POST',
        url: '/customers',
        headers: { 'content-type': 'text/plain', accept: 'text/html', ...headers },
        payload: 'not json',
      });
      expect(response.statusCode).toBe(401);
      expect(response.headers['www-authenticate']).toBe('Bearer');
      expect(response.json()).toMatchObject({ type: 'unauthorized', errors: [{ code: 'unauthorized' }] });
    });

    it('takes the scheme in any case', async () => {
      expect((await send('GET', '/customers', { headers: { authorization: `bEARER  ${SECRET}` } })).status).toBe(200);
    });

    it('refuses expired and revoked keys', async () => {
      await addKey(edge.keys, 'expired-now', ['customers:read'], { expiresAt: NOW });
      await addKey(edge.keys, 'expires-soon', ['customers:read'], { expiresAt: NOW + 1 });
      await addKey(edge.keys, 'revoked', ['customers:read'], { revokedAt: NOW - 1 });
      const statusWith = async (secret: string): Promise<number> =>
        (await send('GET', '/customers', { headers: { authorization: `Bearer ${secret}` } })).status;
      expect(await Promise.all(['expired-now', 'expires-soon', 'revoked'].map(statusWith))).toEqual([401, 200, 401]);
    });

    it.each([
      ['POST', '/customers'],
      ['POST', '/customers/c1'],
      ['DELETE', '/customers/c1'],
      ['POST', `/customers/c1/sources/${SOURCE_ID}`],
      ['DELETE', `/customers/c1/sources/${SOURCE_ID}`],
    ] as const)('asks for the writing scope on %s %s, whatever the body', async (method, url) => {
      const answer = await send(method, url, { body: '{', headers: { authorization: `Bearer ${READER}` } });
      expectErrors(answer, ['forbidden']);
      expect(edge.recorder.asked).toEqual([]);
    });

    it('does not take the admin scope for any other', async () => {
      await addKey(edge.keys, 'admin-only', ['admin']);
      expect((await send('GET', '/customers', { headers: { authorization: 'Bearer admin-only' } })).status).toBe(403);
    });
  });

  describe('bodies', () => {
    it.each([
      ['broken JSON', '{"email": jane@example.com}', 'invalid_format'],
      ['broken UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'invalid_format'],
      ['UTF-16', Buffer.from('{}', 'utf16le'), 'invalid_format'],
      ['an array', '[]', 'invalid_format'],
      ['a string', '"x"', 'invalid_format'],
      ['null', 'null', 'invalid_format'],
      ['white space', '  ', 'invalid_format'],
      ['arrays 50,000 deep', '{"metadata":' + '['.repeat(50_000) + ']'.repeat(50_000) + '}', 'invalid_format'],
      ['objects 40,000 deep', '{"a":'.repeat(40_000) + '1' + '}'.repeat(40_000), 'invalid_format'],
      ['an endless opening', '['.repeat(100_000), 'invalid_format'],
      ['too much', '"' + 'x'.repeat(300_000) + '"', 'payload_too_large'],
    ] as const)('refuses %s', async (_, body, code) => {
      expectErrors(await send('POST', '/customers', { body }), [code]);
      expectErrors(await send('POST', '/customers/c1', { body }), [code]);
      expect(edge.recorder.asked).toEqual([]);
    });

    it.each([
      [{ 'content-type': 'text/plain' }],
      [{ 'content-type': 'application/x-www-form-urlencoded' }],
      [{ 'content-type': 'application/json; charset=iso-8859-1' }],
      [{ 'content-type': 'application/json-patch+json' }],
      [{ 'content-type': 'nonsense' }],
      [{ ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ])('refuses a body under %j', async (headers) => {
      expectErrors(await send('POST', '/customers', { body: '{}', headers }), ['unsupported_media_type']);
    });

    it('refuses fields on operations that have none', async () => {
      expectErrors(await send('DELETE', '/customers/c1', { body: { force: 1 } }), ['unknown_parameter', 'force']);
      const url = `/customers/c1/sources/${SOURCE_ID}`;
      expectErrors(
        await send('POST', url, { body: { a: 1, b: 2 } }),
        ['unknown_parameter', 'a'],
        ['unknown_parameter', 'b'],
      );
      expect((await send('DELETE', url, { body: {} })).status).toBe(204);
      expect(edge.recorder.asked).toHaveLength(1);
    });

    it('reports all faults of a body at once, in a stable order', async () => {
      const body = { nickname: 'J', email: 'no', shipping: { fax: 1, address: {} }, enabled: 'true', id: 'a b' };
      for (let i = 0; i < 2; i++) {
        expectErrors(
          await send('POST', '/customers', { body }),
          ['unknown_parameter', 'nickname'],
          ['unknown_parameter', 'shipping.fax'],
          ['invalid_parameter', 'id'],
          ['invalid_parameter', 'email'],
          ['invalid_parameter', 'enabled'],
          ['missing_parameter', 'shipping.address.country'],
        );
      }
    });

    it('reports a hundred faults at most', async () => {
      const body = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field${String(i)}`, i]));
      expect((await send('POST', '/customers', { body })).json<ErrorBody>().errors).toHaveLength(100);
    });
  });

  describe('addresses and methods', () => {
    it.each([
      '/customers/a%20b',
      '/customers/%zz',
      '/customers/%C3%28',
      '/customers/%',
      `/customers/${'x'.repeat(9000)}`,
    ])('finds no customer at an address no customer could have (case %#)', async (url) => {
      const raw = url.slice('/customers/'.length);
      const id = raw === 'a%20b' ? 'a b' : raw;
      const answer = await send('GET', url);
      expectErrors(answer, ['not_found', 'id']);
      expect(answer.json<ErrorBody>().errors[0]?.message).toBe(`Customer '${id}' not found`);
    });

    it('takes an impossible id for an unknown one on every method', async () => {
      for (const id of ['..%2f', '%2e%2e%2Fx', 'jane@example.com', 'x'.repeat(41), '%00']) {
        for (const [method, url] of [
          ['POST', `/customers/${id}`],
          ['DELETE', `/customers/${id}`],
          ['POST', `/customers/${id}/sources/${SOURCE_ID}`],
          ['DELETE', `/customers/${id}/sources/${SOURCE_ID}`],
        ] as const) {
          expectErrors(await send(method, url), ['not_found', 'id']);
        }
      }
      expect(edge.recorder.asked).toEqual([]);
    });

    it('refuses a source id that is no UUID', async () => {
      for (const method of ['POST', 'DELETE'] as const) {
        expectErrors(await send(method, '/customers/c1/sources/123'), ['invalid_parameter', 'sourceId']);
      }
    });

    it.each([
      ['PUT', '/customers', 'GET, HEAD, POST'],
      ['DELETE', '/customers/', 'GET, HEAD, POST'],
      ['PATCH', '/customers/c1', 'DELETE, GET, HEAD, POST'],
      ['OPTIONS', '/customers/c1', 'DELETE, GET, HEAD, POST'],
      ['GET', `/customers/c1/sources/${SOURCE_ID}`, 'DELETE, POST'],
      ['POST', '/openapi.json', 'GET, HEAD'],
    ] as const)('answers %s %s with 405 and what is allowed', async (method, url, allow) => {
      const answer = await send(method, url, { headers: { 'access-control-request-method': 'POST' } });
      expectErrors(answer, ['method_not_allowed']);
      expect(answer.headers['allow']).toBe(allow);
    });

    it.each([
      '/',
      '/customer',
      '/customers/c1/sources',
      '/customers/c1/x/y/z',
      '/docs/nothing.js',
      '/customers//',
      '/%zz',
    ])('finds nothing at %s', async (url) => {
      expectErrors(await send('GET', url), ['not_found']);
    });

    it('answers HEAD like GET without the body', async () => {
      const answer = await send('HEAD', '/customers/c1');
      expect([answer.status, answer.text, answer.headers['etag']]).toEqual([200, '', '"7"']);
    });

    it.each([
      ['text/html', 406],
      ['application/json;q=0, */*', 406],
      ['application/*;q=0', 406],
      ['image/png, */*;q=0', 406],
      ['text/html, application/*;q=0.2', 200],
      ['text/html, */*', 200],
      ['application/json; charset=utf-8', 200],
      ['', 200],
    ])('answers an Accept of "%s" with %i', async (accept, status) => {
      const answer = await send('GET', '/customers', { headers: { accept } });
      expect(answer.status).toBe(status);
      if (status === 406) expectErrors(answer, ['not_acceptable']);
    });
  });

  describe('headers of a change', () => {
    const contextOf = async (headers: Record<string, string>, url = '/customers/c1'): Promise<unknown> => {
      const answer = await send('POST', url, { body: { locale: 'en_US' }, headers });
      expect(answer.status).toBeLessThan(300);
      return (edge.recorder.last as UpdateCustomer).context;
    };

    it.each([
      ['"3"', [3]],
      ['"3", "12" ,"0"', [3, 12, 0]],
      ['W/"3"', []],
      ['"x", W/"1", "03"', []],
      ['*', undefined],
    ])('reads If-Match %s', async (header, expected) => {
      expect(((await contextOf({ 'if-match': header })) as { ifMatch?: unknown }).ifMatch).toEqual(expected);
    });

    it.each(['3', '"3', '"3",', '""3""', '*, "3"', 'w/"3"'])('refuses the If-Match %s', async (header) => {
      expectErrors(await send('POST', '/customers/c1', { headers: { 'if-match': header } }), [
        'invalid_parameter',
        'If-Match',
      ]);
    });

    it('names a command by principal, route and key, and its content by a fingerprint', async () => {
      interface Named {
        idempotency: { commandId: string; fingerprint: string };
      }
      const key = { 'idempotency-key': 'k-1' };
      const first = ((await contextOf(key)) as Named).idempotency;
      const again = ((await contextOf(key)) as Named).idempotency;
      const create = ((await contextOf(key, '/customers')) as Named).idempotency;
      const other = ((await contextOf({ 'idempotency-key': 'k-2' })) as Named).idempotency;
      expect(first.commandId).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(first.fingerprint).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(again).toEqual(first);
      expect(new Set([first, create, other].map(({ commandId }) => commandId)).size).toBe(3);
      expect(create.fingerprint).not.toBe(first.fingerprint);

      await addKey(edge.keys, 'another-principal', ['customers:write']);
      const stranger = (await contextOf({ ...key, authorization: 'Bearer another-principal' })) as Named;
      expect(stranger.idempotency.commandId).not.toBe(first.commandId);
      await send('POST', '/customers/c1', { body: '{ "locale" : "en_US" }', headers: key });
      expect(edge.recorder.last).toMatchObject({ context: { idempotency: first } });
      await send('POST', '/customers/c1', { body: { locale: 'de_DE' }, headers: key });
      const changed = (edge.recorder.last as unknown as { context: Named }).context.idempotency;
      expect(changed.commandId).toBe(first.commandId);
      expect(changed.fingerprint).not.toBe(first.fingerprint);
    });

    it('refuses a malformed Idempotency-Key, and takes none on DELETE', async () => {
      for (const key of ['x'.repeat(256), 'caf\u00e9', 'tab\tbed']) {
        const answer = await send('POST', '/customers', { headers: { 'idempotency-key': key } });
        expectErrors(answer, ['invalid_parameter', 'Idempotency-Key']);
      }
      expect((await send('DELETE', '/customers/c1', { headers: { 'idempotency-key': 'k' } })).status).toBe(204);
      expect(edge.recorder.last).not.toHaveProperty('context.idempotency');
    });

    it('echoes a good X-Request-Id on answers and errors, and makes one otherwise', async () => {
      const id = 'A.b_c-9';
      expect((await send('GET', '/customers', { headers: { 'x-request-id': id } })).headers['x-request-id']).toBe(id);
      expect((await send('GET', '/nothing', { headers: { 'x-request-id': id } })).headers['x-request-id']).toBe(id);
      expect(((await contextOf({ 'x-request-id': id })) as { requestId: string }).requestId).toBe(id);
      for (const bad of ['a b', 'x'.repeat(65), 'a,b']) {
        const made = (await send('GET', '/customers', { headers: { 'x-request-id': bad } })).headers['x-request-id'];
        expect(made).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    it('carries a valid traceparent on and drops any other', async () => {
      const good = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      expect(await contextOf({ traceparent: good })).toMatchObject({ traceparent: good });
      for (const bad of [
        good.toUpperCase(),
        `ff${good.slice(2)}`,
        `${good}-x`,
        `00-${'0'.repeat(32)}${good.slice(35)}`,
      ]) {
        expect(await contextOf({ traceparent: bad })).not.toHaveProperty('traceparent');
      }
    });
  });

  describe('errors from behind the buses', () => {
    const codes: readonly CustomerErrorCode[] = [
      'not_found', 'already_exists', 'customer_erased', 'invalid_parameter', 'too_many_metadata_pairs', 'source_not_found',
      'nonreusable_source', 'source_not_chargeable', 'source_in_use',
    ]; // prettier-ignore

    it.each(codes)('answers the refusal %s with its status', async (code) => {
      edge.recorder.fails = new CustomerError(code, 'id', 'told');
      expectErrors(await send('POST', '/customers/c1'), [code, 'id']);
    });

    it('answers 412, 422 and both kinds of 503', async () => {
      edge.recorder.fails = new PreconditionFailed();
      expectErrors(await send('POST', '/customers/c1'), ['precondition_failed', 'If-Match']);
      edge.recorder.fails = new IdempotencyKeyReused();
      expectErrors(await send('POST', '/customers/c1'), ['idempotency_key_reused', 'Idempotency-Key']);
      for (const [error, code] of [
        [new StoreUnavailable('event_log'), 'service_unavailable'],
        [new OutcomeUnknown(), 'outcome_unknown'],
      ] as const) {
        edge.recorder.fails = error;
        const answer = await send('POST', '/customers/c1');
        expectErrors(answer, [code]);
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      }
    });

    it.each([
      ['an error', new Error('canary-8472 of jane@example.com')],
      ['an error of several lines', new Error('canary-8472\n    at jane@example.com (x.js:1:1)')],
      ['no error at all', 'canary-8472'],
      ['undefined', null],
    ])('answers %s with 500 and tells, also in the log, nothing of its message', async (_, error) => {
      edge.recorder.fails = error;
      const answer = await send('GET', '/customers/c1');
      expectErrors(answer, ['internal_server_error']);
      expect(answer.text + edge.text()).not.toMatch(/canary-8472|jane@example/);
      expect(edge.lines.at(-2)).toMatchObject({ level: 'error', msg: 'request failed', route: '/customers/:id' });
    });
  });

  it('logs one line a request, with the template and nothing of the request', async () => {
    const before = edge.lines.length;
    await send('GET', '/customers/canary-path?email=canary%40query.example', {
      headers: { 'x-request-id': 'r-1', 'user-agent': 'canary-agent', cookie: 'canary=1' },
    });
    await send('POST', '/customers', { body: { email: 'canary-body' } });
    await send('GET', '/canary-nowhere');
    const lines = edge.lines.slice(before);
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.any(Number) as number,
        msg: 'request',
        method: 'GET',
        route: '/customers/:id',
        status: 200,
        durationMs: expect.any(Number) as number,
        requestId: 'r-1',
        keyId: expect.stringMatching(/^key_/) as string,
      },
      expect.objectContaining({ method: 'POST', route: '/customers', status: 400 }),
      expect.objectContaining({ route: null, status: 404 }),
    ]);
    expect(edge.text()).not.toMatch(/canary|secret-of/);
  });

  describe('documents', () => {
    it('are public, whatever is accepted, and load nothing from elsewhere', async () => {
      const page = await edge.app.inject({ url: '/docs', headers: { accept: 'text/html' } });
      expect(page.statusCode).toBe(200);
      expect(page.headers['content-type']).toContain('text/html');
      expect(page.body).not.toMatch(/(src|href)=["'](https?:)?\/\//);
      for (const asset of ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-init.js']) {
        expect((await edge.app.inject({ url: `/docs/${asset}` })).statusCode).toBe(200);
      }
      expect((await edge.app.inject({ url: '/openapi.json', headers: { accept: 'text/html' } })).statusCode).toBe(200);
    });

    it('show an example of each operation and of every error code', async () => {
      interface Media {
        examples?: Record<string, { value: { errors?: { code: string }[] } }>;
      }
      type Operation = { responses: Record<string, { content?: Record<string, Media> }> };
      const document = (await edge.app.inject({ url: '/openapi.json' })).json<{
        openapi: string;
        paths: Record<string, Record<string, Operation>>;
      }>();
      expect(document.openapi).toBe('3.1.0');
      const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
      expect(operations).toHaveLength(7);
      const shown = new Set<string>();
      for (const { responses } of operations) {
        for (const [status, { content }] of Object.entries(responses)) {
          const examples = content?.['application/json']?.examples;
          if (status !== '204') expect(Object.keys(examples ?? {})).not.toEqual([]);
          for (const { value } of Object.values(examples ?? {})) value.errors?.forEach(({ code }) => shown.add(code));
        }
      }
      // No operation of its own answers 405: it is what an address answers to a method it does not have.
      expect([...shown].sort()).toEqual(
        Object.keys(ERRORS)
          .filter((code) => code !== 'method_not_allowed')
          .sort(),
      );
    });
  });
});

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
});
