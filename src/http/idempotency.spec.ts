import { readJsonBody } from './json-body.js';
import { ServiceSecrets } from '../privacy/service-secrets.js';
import { CommandIds, type RepeatableRequest } from './idempotency.js';

const secretsWith = (fill: number): ServiceSecrets =>
  new ServiceSecrets(Buffer.alloc(32, fill), Buffer.alloc(32, 8), Buffer.alloc(32, 9), Buffer.alloc(32, 7));
const request: RepeatableRequest = { actor: { type: 'api_key', id: 'k' }, route: 'POST /a', params: {}, body: {} };

describe('the name of a repeatable command', () => {
  const ids = new CommandIds(secretsWith(1));
  const nameOf = (key: string, more: Partial<RepeatableRequest> = {}): string | undefined =>
    ids.idempotencyOf(key, { ...request, ...more })?.commandId;

  it('keeps its parts apart, wherever one ends and the next begins', () => {
    const names = [
      nameOf('key'),
      nameOf('akey', { route: 'POST /' }),
      nameOf('ey', { route: 'POST /ak' }),
      nameOf('key', { actor: { type: 'api_key', id: 'kPOST /a' }, route: '' }),
      nameOf('key', { actor: { type: 'token', id: 'k' } }),
    ];
    expect(new Set(names).size).toBe(names.length);
  });

  it('depends on the secret, and on nothing but principal, route and key', () => {
    expect(new CommandIds(secretsWith(2)).idempotencyOf('key', request)?.commandId).not.toBe(nameOf('key'));
    expect(nameOf('key', { params: { id: 'x' }, body: { a: 1 } })).toBe(nameOf('key'));
  });

  it('comes with a fingerprint of path and body that the order of fields does not change', () => {
    const fingerprintOf = (params: unknown, body: object): string | undefined =>
      ids.idempotencyOf('key', { ...request, params, body })?.fingerprint;
    const first = fingerprintOf({ id: 'c1' }, { email: 'a@b.cc', shipping: { name: 'n', phone: 'p' } });
    expect(fingerprintOf({ id: 'c1' }, { shipping: { phone: 'p', name: 'n' }, email: 'a@b.cc' })).toBe(first);
    expect(fingerprintOf({ id: 'c2' }, { email: 'a@b.cc', shipping: { name: 'n', phone: 'p' } })).not.toBe(first);
    expect(fingerprintOf({ id: 'c1' }, { email: 'a@b.cc', shipping: { name: 'n', phone: 'q' } })).not.toBe(first);
  });

  it('comes with a fingerprint of what the body says, to the last digit, also where it is passed over', () => {
    const read = (text: string): object =>
      readJsonBody({ body: Buffer.from(text), headers: { 'content-type': 'application/json' }, method: 'POST' });
    const fingerprintOf = (text: string): string | undefined =>
      ids.idempotencyOf('key', { ...request, params: {}, body: read(text) })?.fingerprint;
    const bodies = [
      '{"sources":[{"n":1524831183200260097}]}',
      '{"sources":[{"n":1524831183200260096}]}',
      '{"sources":[{"n":1e400}]}',
      '{"sources":[{"n":1e401}]}',
      '{"sources":[{"n":"1e400"}]}',
      '{"sources":[{"n":null}]}',
      '{"sources":[{"n":0.1}]}',
      '{"sources":[{"n":0.2}]}',
    ];
    expect(new Set(bodies.map(fingerprintOf)).size).toBe(bodies.length);
    expect(fingerprintOf('{"a":1, "sources":[{"n":1e400,"m":2}]}')).toBe(
      fingerprintOf('{"sources":[{"m":2.0,"n":1e400}],"a":1}'),
    );
    expect(fingerprintOf('{"a":"\\u0061","n":100}')).toBe(fingerprintOf(' {"n":1e2,"a":"a"}'));
  });

  it('is not made without a key', () => {
    expect(ids.idempotencyOf(undefined, request)).toBeUndefined();
  });
});
