import { randomUUID } from 'node:crypto';
import { ContractApp, expectFaults, type Fault, SOURCES } from './contract-errors-app.js';

const JSON_TYPE = { 'content-type': 'application/json' };

let app: ContractApp;
let id: string;
beforeAll(async () => {
  app = await ContractApp.start();
});
beforeEach(async () => {
  app.trouble = undefined;
  app.clock.advance(1_000);
  id = await app.created({ email: 'jane@example.com', locale: 'en_US' });
});
afterAll(() => app.close());

/** Every operation on one customer, as a call. */
const onCustomer = (name: string, sourceId: string = randomUUID()) =>
  [
    { method: 'GET', path: `/customers/${name}` },
    { method: 'POST', path: `/customers/${name}` },
    { method: 'DELETE', path: `/customers/${name}` },
    { method: 'POST', path: `/customers/${name}/sources/${sourceId}` },
    { method: 'DELETE', path: `/customers/${name}/sources/${sourceId}` },
  ] as const;

describe('400', () => {
  it.each([
    ['invalid_parameter', { email: 'nonsense' }, 'email'],
    ['missing_parameter', { shipping: { address: { city: 'x' } } }, 'shipping.address.country'],
    ['unknown_parameter', { nickname: 'J' }, 'nickname'],
    [
      'too_many_metadata_pairs',
      { metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, i])) },
      'metadata',
    ],
    ['invalid_metadata_key', { metadata: { ['k'.repeat(41)]: 1 } }, 'metadata'],
    ['invalid_metadata_value', { metadata: { k: 'v'.repeat(501) } }, 'metadata'],
  ])('%s', async (code, body, parameter) => {
    await app.refused({ method: 'POST', path: '/customers', body }, 400, [code, parameter]);
    await app.refused({ method: 'POST', path: `/customers/${id}`, body }, 400, [code, parameter]);
  });

  it.each(['{', '', 'nul', '{"email":}', "{'email':1}", '[{}]', '"x"', '""', '5', 'true', '{}{}'])(
    'invalid_format for the body %j, unless it is empty',
    async (body) => {
      const call = { method: 'POST', path: `/customers/${id}`, body, headers: JSON_TYPE };
      if (body === '') expect((await app.call(call)).status).toBe(200);
      else await app.refused(call, 400, ['invalid_format']);
    },
  );

  it('invalid_parameter for a source id that is no UUID, on attach and detach', async () => {
    for (const sourceId of [
      '1',
      'x'.repeat(36),
      `${randomUUID()}0`,
      '%20',
      `{${randomUUID()}}`.replace(/[{}]/g, '%7b'),
    ]) {
      const path = `/customers/${id}/sources/${sourceId}`;
      await app.refused({ method: 'POST', path }, 400, ['invalid_parameter', 'sourceId']);
      await app.refused({ method: 'DELETE', path }, 400, ['invalid_parameter', 'sourceId']);
    }
  });
});

describe('401, with WWW-Authenticate: Bearer', () => {
  it.each([
    ['no key', []],
    ['an unknown key', ['Bearer not-a-key-of-this-service']],
    ['another scheme', ['Basic amFuZTpkb2U=']],
    ['no scheme', ['not-a-key-of-this-service']],
  ])('for %s, on every operation and before anything else is looked at', async (_, authorization) => {
    for (const call of [{ method: 'POST', path: '/customers' }, { path: '/customers' }, ...onCustomer(id)]) {
      const headers = { ...JSON_TYPE, accept: 'image/png', authorization };
      const body = call.method === 'GET' || !('method' in call) ? undefined : '{"email":';
      const answer = await app.refused({ ...call, headers, body }, 401, ['unauthorized']);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it('for a key that has expired, and for one that was revoked', async () => {
    const expiring = await app.keyWith(['customers:read'], app.clock.now() + 5_000);
    const revoked = await app.keyWith(['customers:read']);
    for (const { authorization } of [expiring, revoked]) {
      expect((await app.call({ path: '/customers', headers: { authorization } })).status).toBe(200);
    }
    app.clock.advance(5_000);
    await app.app.stores.apiKeys.revoke(revoked.id, app.clock.now());
    for (const { authorization } of [expiring, revoked]) {
      const answer = await app.refused({ path: '/customers', headers: { authorization } }, 401, ['unauthorized']);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });
});

describe('403', () => {
  it('for a key that only reads, on everything that changes', async () => {
    const headers = await app.keyWith(['customers:read', 'customers:erase', 'admin']);
    for (const call of [{ method: 'POST', path: '/customers' }, ...onCustomer(id).slice(1)]) {
      await app.refused({ ...call, headers: { authorization: headers.authorization } }, 403, ['forbidden']);
    }
  });

  it('for a key that only writes, on everything that reads', async () => {
    const { authorization } = await app.keyWith(['customers:write', 'customers:erase', 'admin']);
    for (const path of ['/customers', `/customers/${id}`]) {
      await app.refused({ path, headers: { authorization } }, 403, ['forbidden']);
    }
  });
});

describe('404', () => {
  const exactly = (name: string): string =>
    JSON.stringify({
      type: 'not_found',
      errors: [{ code: 'not_found', parameter: 'id', message: `Customer '${name}' not found` }],
    });

  it.each([
    ['that never was', 'nobody', 'nobody'],
    ['that no customer could have', 'jane%40example.com', 'jane@example.com'],
    ['with a blank', 'a%20b', 'a b'],
    ['with quotes', "o'ne%22", 'o\'ne"'],
    ['of 41 characters', 'x'.repeat(41), 'x'.repeat(41)],
    ['in other letters', '%C3%A4', '\u00e4'],
  ])('not_found, byte for byte, for an id %s', async (_, path, name) => {
    for (const call of onCustomer(path)) {
      const answer = await app.refused(call, 404, ['not_found', 'id']);
      expect(answer.text).toBe(exactly(name));
    }
  });

  it('not_found for a customer that was deleted', async () => {
    const gone = await app.deleted();
    for (const call of onCustomer(gone)) {
      expect((await app.refused(call, 404, ['not_found', 'id'])).text).toBe(exactly(gone));
    }
  });

  it('source_not_found for a source the directory does not know, and for one that is not attached', async () => {
    const fault: Fault = ['source_not_found', 'sourceId'];
    await app.refused({ method: 'POST', path: `/customers/${id}/sources/${SOURCES.unknown}` }, 404, fault);
    await app.refused({ method: 'DELETE', path: `/customers/${id}/sources/${randomUUID()}` }, 404, fault);
    const body = { defaultSourceId: SOURCES.unknown };
    await app.refused({ method: 'POST', path: '/customers', body }, 404, fault);
  });

  it('not_found for an address there is not', async () => {
    for (const path of ['/', '/customer', '/customers/a/sources', '/customers/a/b/c/d', '/Customers', '/customers//']) {
      const answer = await app.call({ path });
      expect([path, answer.status]).toEqual([path, 404]);
      expectFaults(answer, 404, [['not_found']]);
    }
  });
});

describe('405, 406, 413, 415', () => {
  it.each([
    ['/customers', ['GET', 'POST'], ['PUT', 'PATCH', 'DELETE', 'OPTIONS']],
    ['/customers/', ['GET', 'POST'], ['PUT', 'DELETE']],
    ['/customers/{id}', ['DELETE', 'GET', 'POST'], ['PUT', 'PATCH', 'OPTIONS']],
    ['/customers/{id}/sources/{s}', ['DELETE', 'POST'], ['GET', 'PUT', 'PATCH', 'OPTIONS']],
  ])('method_not_allowed on %s names what is allowed', async (template, allowed, others) => {
    const path = template.replace('{id}', id).replace('{s}', randomUUID());
    for (const method of others) {
      const answer = await app.refused({ method, path }, 405, ['method_not_allowed']);
      const named = (answer.headers.allow ?? '').split(', ');
      expect(named.filter((name) => name !== 'HEAD').sort()).toEqual(allowed);
    }
  });

  it.each(['text/html', 'application/xml', 'application/json;q=0', 'image/*'])(
    'not_acceptable for %s',
    async (accept) => {
      for (const call of [{ path: '/customers' }, { method: 'POST', path: '/customers' }, ...onCustomer(id)]) {
        await app.refused({ ...call, headers: { accept } }, 406, ['not_acceptable']);
      }
    },
  );

  it('payload_too_large for a body over the limit, and none for one that just fits', async () => {
    const padded = (size: number): string => `{"metadata":{"a":1}${' '.repeat(size - 20)}}`;
    const call = { method: 'POST', path: `/customers/${id}`, headers: JSON_TYPE };
    await app.refused({ ...call, body: padded(20_001) }, 413, ['payload_too_large']);
    await app.refused({ ...call, path: '/customers', body: padded(25_000) }, 413, ['payload_too_large']);
    expect((await app.call({ ...call, body: padded(20_000) })).status).toBe(200);
  });

  it.each([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-type': 'application/vnd.api+json' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ])('unsupported_media_type for a body under %j', async (headers: Record<string, string>) => {
    for (const path of ['/customers', `/customers/${id}`]) {
      await app.refused({ method: 'POST', path, headers, body: '{}' }, 415, ['unsupported_media_type']);
    }
  });
});

describe('409', () => {
  it('already_exists for an id that is taken, also by one that was erased', async () => {
    for (const taken of [id, await app.erased()]) {
      const answer = await app.refused({ method: 'POST', path: '/customers', body: { id: taken } }, 409, [
        'already_exists',
        'id',
      ]);
      expect(answer.json()).toMatchObject({ errors: [{ message: `Customer '${taken}' already exists` }] });
    }
  });

  it('nonreusable_source, and source_not_chargeable, on attach and on create', async () => {
    for (const [sourceId, code] of [
      [SOURCES.nonreusable, 'nonreusable_source'],
      [SOURCES.pending, 'source_not_chargeable'],
    ] as const) {
      await app.refused({ method: 'POST', path: `/customers/${id}/sources/${sourceId}` }, 409, [code, 'sourceId']);
      const body = { defaultSourceId: sourceId };
      await app.refused({ method: 'POST', path: '/customers', body }, 409, [code, 'sourceId']);
    }
  });

  it('source_not_chargeable for one that was detached before, whoever asks', async () => {
    const sourceId = await app.attached(id);
    const path = `/customers/${id}/sources/${sourceId}`;
    expect((await app.call({ method: 'DELETE', path })).status).toBe(204);
    const fault: Fault = ['source_not_chargeable', 'sourceId'];
    await app.refused({ method: 'POST', path }, 409, fault);
    await app.refused({ method: 'POST', path: `/customers/${await app.created()}/sources/${sourceId}` }, 409, fault);
  });

  it('source_in_use for one of another customer, on attach and on create', async () => {
    const sourceId = await app.attached(await app.created());
    const fault: Fault = ['source_in_use', 'sourceId'];
    await app.refused({ method: 'POST', path: `/customers/${id}/sources/${sourceId}` }, 409, fault);
    await app.refused({ method: 'POST', path: '/customers', body: { defaultSourceId: sourceId } }, 409, fault);
  });

  it('customer_erased for any change to an erased customer, also one that would change nothing', async () => {
    const sourceId = randomUUID();
    const erased = await app.erased(sourceId);
    const [, update, remove, attach, detach] = onCustomer(erased, sourceId);
    for (const call of [
      update,
      { ...update, body: { enabled: false } },
      { ...update, body: { requestToBeForgotten: true } },
      { ...update, body: { requestToBeForgotten: false, email: 'new@example.com' } },
      remove,
      attach,
      detach,
    ]) {
      await app.refused(call, 409, ['customer_erased', 'id']);
    }
  });

  it('customer_erased for a create that is repeated after its customer was deleted', async () => {
    const call = {
      method: 'POST',
      path: '/customers',
      headers: { 'idempotency-key': randomUUID() },
      body: { locale: 'en_US' },
    };
    const { id: gone } = (await app.call(call)).json<{ id: string }>();
    expect((await app.call({ method: 'DELETE', path: `/customers/${gone}` })).status).toBe(204);
    await app.refused(call, 409, ['customer_erased', 'id']);
  });
});

describe('412 and 422', () => {
  it('precondition_failed on every change, when If-Match names another version', async () => {
    const sourceId = await app.attached(id);
    const [, update, remove, , detach] = onCustomer(id, sourceId);
    const [, , , attach] = onCustomer(id);
    for (const tag of ['"0"', '"99"', '"made-elsewhere"', 'W/"1"']) {
      for (const call of [update, { ...update, body: { locale: 'fr_FR' } }, remove, attach, detach]) {
        await app.refused({ ...call, headers: { 'if-match': tag } }, 412, ['precondition_failed', 'If-Match']);
      }
    }
    const { etag = '' } = (await app.call({ path: `/customers/${id}` })).headers;
    expect((await app.call({ ...update, body: { locale: 'fr_FR' }, headers: { 'if-match': etag } })).status).toBe(200);
    await app.refused({ ...remove, headers: { 'if-match': etag } }, 412, ['precondition_failed', 'If-Match']);
  });

  it('idempotency_key_reused for the same key with another body, on create and update', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const fault: Fault = ['idempotency_key_reused', 'Idempotency-Key'];
    for (const path of ['/customers', `/customers/${id}`]) {
      const first = await app.call({ method: 'POST', path, headers, body: { locale: 'fr_FR' } });
      expect(first.status).toBeLessThan(300);
      await app.refused({ method: 'POST', path, headers, body: { locale: 'it_IT' } }, 422, fault);
      const again = await app.call({ method: 'POST', path, headers, body: { locale: 'fr_FR' } });
      expect([again.status, again.text]).toEqual([first.status, first.text]);
    }
  });
});

describe('429 and 503, with Retry-After in whole seconds', () => {
  it('too_many_requests, the day something limits them', async () => {
    // A key of its own: that of the other calls was looked up within the last second, and would not be again.
    const { authorization } = await app.keyWith(['customers:read']);
    app.trouble = 'too_many_requests';
    const answer = await app.refused({ path: '/customers', headers: { authorization } }, 429, ['too_many_requests']);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });

  it('service_unavailable when a store is out of reach', async () => {
    const body = { email: 'new@example.com' };
    for (const trouble of ['log_out_of_reach', 'keys_out_of_reach'] as const) {
      app.trouble = trouble;
      const answer = await app.refused({ method: 'POST', path: '/customers', body }, 503, ['service_unavailable']);
      expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    }
    app.trouble = undefined;
    const path = `/customers/${id}/sources/${SOURCES.outOfReach}`;
    const answer = await app.refused({ method: 'POST', path }, 503, ['service_unavailable']);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });

  it('outcome_unknown when the log does not answer; nothing stands in the way of a repeat', async () => {
    const call = {
      method: 'POST',
      path: '/customers',
      headers: { 'idempotency-key': randomUUID() },
      body: { locale: 'en_US' },
    };
    app.trouble = 'outcome_unknown';
    const answer = await app.refused(call, 503, ['outcome_unknown']);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    app.trouble = undefined;
    expect((await app.call(call)).status).toBe(201);
  });
});

describe('headers', () => {
  it('X-Request-Id is echoed on every kind of refusal, and made where it does not match', async () => {
    const given = 'Req.id_-9';
    for (const call of [
      { path: '/customers/nobody' },
      { path: '/nowhere' },
      { method: 'PUT', path: '/customers' },
      { method: 'POST', path: '/customers', body: '{' },
    ]) {
      expect((await app.call({ ...call, headers: { 'x-request-id': given } })).headers['x-request-id']).toBe(given);
      for (const bad of ['jane@example.com', 'x'.repeat(65), 'a b']) {
        const { headers } = await app.call({ ...call, headers: { 'x-request-id': bad } });
        expect(headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
      }
    }
  });

  it('ETag comes with single customers alone, and names the version', async () => {
    const tags: (string | undefined)[] = [];
    for (const call of [
      { path: `/customers/${id}` },
      { method: 'POST', path: `/customers/${id}`, body: { locale: 'fr_FR' } },
      { method: 'POST', path: `/customers/${id}`, body: { locale: 'fr_FR' } },
      { path: `/customers/${id}` },
      { path: '/customers' },
      { path: '/customers/nobody' },
    ]) {
      tags.push((await app.call(call)).headers.etag);
    }
    expect(tags).toEqual(['"0"', '"1"', '"1"', '"1"', undefined, undefined]);
  });
});
