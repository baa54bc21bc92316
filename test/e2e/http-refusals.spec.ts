import { CustomerError, type CustomerErrorCode } from '../../src/customers/domain/errors.js';
import { IdempotencyKeyReused, PreconditionFailed } from '../../src/event-sourcing/command-context.js';
import { OutcomeUnknown, StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import type { ErrorBody } from '../../src/http/errors.js';
import {
  addKey,
  type EdgeApp,
  expectErrors,
  NOW,
  SECRET,
  type Send,
  sender,
  SOURCE_ID,
  startEdge,
} from './edge-app.js';

const READER = 'secret-of-a-reading-key';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('refusals over HTTP', () => {
  let edge: EdgeApp;
  let send: Send;
  beforeAll(async () => {
    edge = await startEdge({ bodyLimit: 300_000 });
    send = sender(edge);
    await addKey(edge.keys, SECRET, ['customers:read', 'customers:write']);
  });
  afterAll(() => edge.app.close());
  afterEach(() => {
    edge.recorder.reset();
  });

  describe('access', () => {
    beforeAll(() => addKey(edge.keys, READER, ['customers:read']));

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
      ['an array', '[{}]', 'invalid_format'],
      ['a string', '"x"', 'invalid_format'],
      ['an empty string', '""', 'invalid_format'],
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
      expect(((await send('POST', '/customers', { body })).json() as ErrorBody).errors).toHaveLength(100);
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
});
