import { WatchedApp } from './bad-input-app.js';

const JSON_TYPE = { 'content-type': 'application/json' };

/** Every field a body can have, by its path, with the JSON type it wants. */
const FIELDS: Readonly<Record<string, 'string' | 'boolean' | 'object'>> = {
  email: 'string',
  locale: 'string',
  type: 'string',
  enabled: 'boolean',
  defaultSourceId: 'string',
  metadata: 'object',
  shipping: 'object',
  'shipping.name': 'string',
  'shipping.phone': 'string',
  'shipping.email': 'string',
  'shipping.organization': 'string',
  'shipping.address': 'object',
  'shipping.address.country': 'string',
  'shipping.address.line1': 'string',
  'shipping.address.line2': 'string',
  'shipping.address.city': 'string',
  'shipping.address.postalCode': 'string',
  'shipping.address.state': 'string',
  'shipping.additionalAddressInfo': 'object',
  'shipping.additionalAddressInfo.neighborhood': 'string',
  'shipping.additionalAddressInfo.division': 'string',
  'shipping.additionalAddressInfo.phoneticName': 'string',
  taxCertificate: 'object',
  'taxCertificate.companyName': 'string',
  'taxCertificate.taxAuthority': 'string',
  'taxCertificate.startDate': 'string',
  'taxCertificate.endDate': 'string',
  'taxCertificate.fileId': 'string',
};
const TEXTS = Object.entries(FIELDS).flatMap(([path, type]) => (type === 'string' ? [path] : []));
const SCALARS = TEXTS.filter((path) => !/email|locale|type|Date|Source/.test(path));
const PATHS = ['/customers', '/customers/standing'];

/** What stands beside a field, so that nothing else is wrong with the body. */
const SURROUNDINGS = {
  shipping: { address: { country: 'US' }, additionalAddressInfo: {} },
  taxCertificate: { companyName: 'C', taxAuthority: 'T', startDate: '2026-01-01', endDate: '2026-12-31', fileId: 'f' },
};

/** A body, as text, that has `json` at `path`; `json` need not be valid. */
function bodyWith(path: string, json: string): string {
  const at = '"\u0001at"';
  const fill = (names: readonly string[], around: object): object => {
    const [name = '', ...deeper] = names;
    const inner: unknown = Reflect.get(around, name);
    const next =
      deeper.length === 0 ? '\u0001at' : fill(deeper, typeof inner === 'object' && inner !== null ? inner : {});
    return { ...around, [name]: next };
  };
  const [root = ''] = path.split('.');
  const kept = Object.fromEntries(Object.entries(SURROUNDINGS).filter(([name]) => name === root));
  return JSON.stringify(fill(path.split('.'), kept)).replace(at.replace('\u0001', '\\u0001'), () => json);
}

const post = (path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = JSON_TYPE) => ({
  method: 'POST',
  path,
  body,
  headers,
});

describe('a bad body is refused, in the shape of every error and without a trace:', () => {
  let app: WatchedApp;
  beforeAll(async () => {
    app = await WatchedApp.start();
    const body = { id: 'standing', email: 'jane@example.com', metadata: { a: 1 }, shipping: { name: 'Jane' } };
    expect((await app.send({ method: 'POST', path: '/customers', body })).status).toBe(201);
  });
  afterEach(() => app.expectIntact());
  afterAll(() => app.close());

  it.each(Object.entries(FIELDS))('any other type in the place of %s, which is a %s', async (path, type) => {
    const wrong: Readonly<Record<string, readonly string[]>> = {
      string: ['""', '" "'].filter(() => !SCALARS.includes(path)),
      boolean: ['true', 'false'],
      number: ['0', '-1', '1.5', '1e308', '1e999', '9007199254740993'],
      // An empty one is what PHP makes of an empty map.
      array: [...(type === 'object' ? [] : ['[]']), '[[]]', '["en_US"]', '[{"length":1}]'],
      object: ['{}', '{"$ne":null}', '{"toString":1}', '{"then":{}}', '{"length":1,"0":"a"}', '{"toJSON":1}'],
    };
    for (const value of Object.entries(wrong).flatMap(([name, values]) => (name === type ? [] : values))) {
      for (const target of PATHS)
        await app.refused(post(target, bodyWith(path, value)), 400, 'invalid_parameter', path);
    }
  });

  it.each([
    ['__proto__', '{"enabled":false}'],
    ['__proto__', 'null'],
    ['constructor', '{"prototype":{"enabled":false}}'],
    ['prototype', '{}'],
    ['toString', '1'],
    ['hasOwnProperty', '1'],
    ['then', '{}'],
    ['toJSON', '1'],
    ['', '1'],
    ['$where', '"1"'],
    ['\ud800', '1'],
    ['\u0000', '1'],
  ])('the key %j wherever there are keys', async (key, value) => {
    const name = JSON.stringify(key);
    for (const target of PATHS) {
      await app.refused(post(target, `{${name}:${value}}`), 400, 'unknown_parameter', key);
      for (const parent of ['shipping', 'shipping.address', 'shipping.additionalAddressInfo', 'taxCertificate']) {
        const whole = bodyWith(`${parent}.planted`, value).replace('"planted"', () => name);
        await app.refused(post(target, whole), 400, 'unknown_parameter', `${parent}.${key}`);
      }
    }
    const reserved = ['__proto__', 'constructor', 'prototype', '', '\ud800', '\u0000'];
    const pair = { method: 'POST', path: '/customers', headers: JSON_TYPE };
    const atTop = await app.send({ ...pair, body: `{"metadata":{${name}:${value}}}` });
    const below = await app.send({ ...pair, body: `{"metadata":{"a":[{${name}:${value}}]}}` });
    expect(atTop.status).toBe(reserved.includes(key) ? 400 : 201);
    expect(below.status).toBe(reserved.includes(key) && key !== '' ? 400 : 201);
    // What is read only is passed over in an update, whatever it holds.
    expect((await app.send(post('/customers/standing', `{"sources":[{${name}:${value}}]}`))).status).toBe(200);
  });

  it('the same key twice, in the body or in what it holds', async () => {
    for (const target of PATHS) {
      await app.refused(post(target, '{"enabled":true,"enabled":true}'), 400, 'invalid_format', 'enabled');
      await app.refused(post(target, '{"email":"a@b.cc","\\u0065mail":"c@d.ee"}'), 400, 'invalid_format', 'email');
      await app.refused(post(target, '{"metadata":{"a":[{"b":1,"b":2}]}}'), 400, 'invalid_format', 'metadata');
    }
  });

  it.each(['\\ud800', '\\udc00', 'a\\ud83d', '\\udc00\\ud800', '\\ud83da'])(
    'half a character (%s) in any text',
    async (text) => {
      for (const path of TEXTS) {
        for (const target of PATHS)
          await app.refused(post(target, bodyWith(path, `"${text}"`)), 400, 'invalid_parameter', path);
      }
      for (const target of PATHS) {
        await app.refused(post(target, `{"metadata":{"a":"${text}"}}`), 400, 'invalid_metadata_value');
        await app.refused(post(target, `{"metadata":{"a":{"b":["${text}"]}}}`), 400, 'invalid_metadata_value');
        await app.refused(post(target, `{"metadata":{"a":{"${text}":1}}}`), 400, 'invalid_metadata_value');
        await app.refused(post(target, `{"metadata":{"${text}":"a"}}`), 400, 'invalid_metadata_key');
        await app.refused(post(target, `{"id":"${text}"}`), 400, 'invalid_parameter', 'id');
      }
    },
  );

  it.each(['\\u0000', '\\u0001', '\\u001b', '\\u007f', '\\u0085'])(
    'a control character (%s) in any text',
    async (char) => {
      for (const target of PATHS) {
        for (const path of TEXTS) {
          await app.refused(post(target, bodyWith(path, `"a${char}b"`)), 400, 'invalid_parameter', path);
        }
        await app.refused(post(target, `{"metadata":{"a":"${char}"}}`), 400, 'invalid_metadata_value', 'metadata');
        await app.refused(
          post(target, `{"metadata":{"a":[{"b":"${char}"}]}}`),
          400,
          'invalid_metadata_value',
          'metadata',
        );
        await app.refused(post(target, `{"metadata":{"a${char}":1}}`), 400, 'invalid_metadata_key', 'metadata');
      }
    },
  );

  it.each([
    '1524831183200260097',
    '-9007199254740993',
    '9007199254740992',
    '1e400',
    '1e-400',
    '1.00000000000000000001',
  ])('a number (%s) that would come back as another one', async (number) => {
    for (const target of PATHS) {
      await app.refused(post(target, `{"metadata":{"id":${number}}}`), 400, 'invalid_metadata_value', 'metadata');
      await app.refused(post(target, `{"metadata":{"a":[{"id":${number}}]}}`), 400, 'invalid_metadata_value');
      await app.refused(post(target, `{"enabled":${number}}`), 400, 'invalid_parameter', 'enabled');
    }
  });

  it.each([
    ['arrays 300 deep', '['.repeat(300) + ']'.repeat(300)],
    ['objects 300 deep', '{"a":'.repeat(300) + '1' + '}'.repeat(300)],
    ['arrays 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects 60,000 deep', '{"a":'.repeat(60_000) + '1' + '}'.repeat(60_000)],
    ['an opening without end', '[{"a":'.repeat(60_000)],
  ])('%s', async (_, json) => {
    for (const target of PATHS) {
      await app.refused(post(target, json), 400, 'invalid_format');
      for (const path of [
        'metadata',
        'metadata.a',
        'shipping',
        'shipping.address',
        'nickname',
        'sources',
        'email',
        'id',
      ]) {
        await app.refused(post(target, bodyWith(path, json)), 400, 'invalid_format');
      }
    }
  });

  it.each([
    [
      '40,000 unknown keys',
      JSON.stringify(Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`k${i}`, 0]))),
      400,
    ],
    ['a key of 400 KB', `{"${'k'.repeat(400_000)}":1}`, 400],
    ['an address of 400 KB', `{"email":"${'a@'.repeat(200_000)}"}`, 400],
    ['an address that makes patterns stumble', `{"email":"${'a.'.repeat(120)}@${'-'.repeat(60)}"}`, 400],
    ['a number of 400,000 digits', `{"metadata":{"a":${'9'.repeat(400_000)}}}`, 400],
    [
      '40,000 metadata pairs',
      JSON.stringify({ metadata: Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`k${i}`, 0])) }),
      400,
    ],
    ['a list of 200,000 in metadata', `{"metadata":{"a":[${'1,'.repeat(200_000)}1]}}`, 400],
    ['numbers that JSON can not carry', '{"metadata":{"a":1e999,"b":[-1e999]}}', 400],
    ['more than the limit', `{"email":"${'x'.repeat(600_000)}"}`, 413],
    ['much more than the limit', `{"email":"${'x'.repeat(8_000_000)}"}`, 413],
  ])('%s', async (_, body, status) => {
    const started = performance.now();
    for (const target of PATHS) {
      const answer = await app.refused(post(target, body), status);
      expect(answer.text.length).toBeLessThan(500_000);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it.each([
    ['a byte that is none', [0xff]],
    ['a lone continuation', [0x80]],
    ['a character cut off', [0xe2, 0x82]],
    ['an overlong form', [0xc0, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a character beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['Latin-1', [0xe4]],
  ])('broken UTF-8: %s', async (_, bytes) => {
    for (const path of [...TEXTS, 'metadata.a', 'nickname', 'sources']) {
      const [before = '', after = ''] = bodyWith(path, '"@@"').split('@@');
      const body = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
      for (const target of PATHS) await app.refused(post(target, body), 400, 'invalid_format');
    }
  });

  it.each([
    ['UTF-16, little end first', Buffer.from('{"locale":"en_US"}', 'utf16le')],
    ['UTF-16 with a mark', Buffer.from('\ufeff{"locale":"en_US"}', 'utf16le')],
    ['a NUL before it', Buffer.from('\0{}')],
    ['a NUL behind it', Buffer.from('{}\0')],
    ['bytes without sense', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])],
    ['JSON with comments', Buffer.from('{/* none */}')],
    ['JSON5', Buffer.from("{email:'a@example.com',}")],
    ['two documents', Buffer.from('{}\n{}')],
    ['NaN', Buffer.from('{"metadata":{"a":NaN}}')],
    ['a form', Buffer.from('email=jane%40example.com')],
    ['XML', Buffer.from('<?xml version="1.0"?><a/>')],
  ])('%s', async (_, body) => {
    for (const target of PATHS) await app.refused(post(target, body), 400, 'invalid_format');
  });

  it.each([
    '', ' ', ',', ';', 'json', 'application', 'application/', '/json', 'application/json2', 'application/json/x', 'text/json',
    'application/json,text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain',
    'application/json; charset=utf-16', 'application/json; charset=iso-8859-1', 'application/json; charset=', '*/*',
    'application/json; charset=utf-8; charset=utf-16', '__proto__', 'x'.repeat(8_000),
  ])('under the content type %j', async (type) => {
    for (const target of PATHS) {
      await app.refused(post(target, '{}', { 'content-type': type }), 415, 'unsupported_media_type');
    }
  }); // prettier-ignore

  it.each(['gzip', 'deflate', 'br', 'x', 'identity, gzip', '__proto__'])('under the encoding %s', async (encoding) => {
    for (const target of PATHS) {
      const headers = { ...JSON_TYPE, 'content-encoding': encoding };
      await app.refused(post(target, '{}', headers), 415, 'unsupported_media_type');
    }
  });

  it.each([
    ['a number that JSON can not carry', '1e999'],
    ['half a character', '"\\ud800"'],
    ['lists 240 deep', '['.repeat(240) + ']'.repeat(240)],
    ['a key that means something', '{"__proto__":{"toJSON":1}}'],
    ['another such key', '{"toJSON":{}}'],
  ])('what an update passes over is passed over, even %s under an Idempotency-Key', async (_, json) => {
    for (const name of ['sources', 'taxCertificates', 'createdTime', 'updatedTime', 'liveMode']) {
      const headers = { ...JSON_TYPE, 'idempotency-key': `k-${name}` };
      const answer = await app.send(post('/customers/standing', `{"${name}":[${json}]}`, headers));
      expect([name, answer.status]).toEqual([name, 200]);
    }
  });
});
