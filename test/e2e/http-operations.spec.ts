import { CreateCustomer } from '../../src/customers/commands/create-customer.js';
import { ForgetCustomer } from '../../src/customers/commands/forget-customer.js';
import { UpdateCustomer } from '../../src/customers/commands/plain-commands.js';
import {
  addKey,
  aView,
  type EdgeApp,
  expectErrors,
  NOW,
  SECRET,
  type Send,
  sender,
  SOURCE_ID,
  startEdge,
} from './edge-app.js';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('operations over HTTP', () => {
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
      expect(Object.keys(answer.json() as object)).toEqual([
        'id',
        'enabled',
        'requestToBeForgotten',
        'taxCertificates',
        'sources',
        'createdTime',
        'updatedTime',
        'liveMode',
      ]);
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
      const customer = (await send('GET', '/customers/c1')).json() as object;
      const answer = await send('POST', '/customers/c1', { body: { ...customer, enabled: false } });
      expect(answer.status).toBe(200);
      expect(edge.recorder.last).toMatchObject({ changes: { enabled: false, requestToBeForgotten: false } });
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
});
