import fc from 'fast-check';
import { ApiError } from '../../http/errors.js';
import type { JsonObject } from '../../http/json-body.js';
import type { JsonValue } from '../domain/personal.js';
import { readCreate, readUpdate } from './read-changes.js';

/** `code parameter` of each fault, in order. */
function faultsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ApiError) return error.body.errors.map(({ code, parameter = '-' }) => `${code} ${parameter}`);
    throw error;
  }
  return [];
}
const onCreate = (body: JsonObject): string[] => faultsOf(() => readCreate(body));
const onUpdate = (body: JsonObject): string[] => faultsOf(() => readUpdate('c1', body));
const parsed = (text: string): JsonObject => JSON.parse(text) as JsonObject;

const taxCertificate = {
  companyName: 'Example Inc.',
  taxAuthority: 'California',
  startDate: '2026-01-01',
  endDate: '2026-01-01',
  fileId: 'f1',
};
const full = {
  email: 'jane@example.com',
  locale: 'en_US',
  type: 'individual',
  enabled: false,
  defaultSourceId: 'fd74a5c5-0163-469a-ae8e-031f0259b576',
  shipping: {
    name: 'Jane',
    phone: '1',
    email: 'j@example.com',
    organization: 'Example',
    address: { country: 'US', line1: 'a', line2: 'b', city: 'c', postalCode: 'd', state: 'e' },
    additionalAddressInfo: { neighborhood: 'n', division: 'd', phoneticName: 'p' },
  },
  taxCertificate,
  metadata: { text: 'x', number: 1.5, nothing: null, list: [1, { deep: [true] }], gone: '' },
};

describe('the body of a create', () => {
  it('becomes the changes it asks for, unaltered', () => {
    expect(readCreate({ id: 'c1', ...full })).toEqual({ id: 'c1', changes: full });
    expect(readCreate({})).toEqual({ id: undefined, changes: {} });
  });

  it('takes null for a field that can be cleared as absent', () => {
    const body = { email: null, locale: null, shipping: null, metadata: null, defaultSourceId: null };
    expect(readCreate(body)).toEqual({ id: undefined, changes: {} });
  });

  it.each(['id', 'type', 'enabled', 'taxCertificate'])('refuses null for %s', (name) => {
    expect(onCreate({ [name]: null })).toEqual([`invalid_parameter ${name}`]);
  });

  it.each(['requestToBeForgotten', 'sources', 'taxCertificates', 'createdTime', 'updatedTime', 'liveMode', 'x.y', ''])(
    'does not know "%s"',
    (name) => {
      expect(onCreate({ [name]: true })).toEqual([`unknown_parameter ${name}`]);
    },
  );

  it.each(['', '.', '..', 'a/b', 'jane@example.com', 'x'.repeat(41), 'ä', 5, true, {}, ['a']] as JsonValue[])(
    'refuses the id %j',
    (id) => {
      expect(onCreate({ id })).toEqual(['invalid_parameter id']);
    },
  );

  it('compares source ids without regard to case: the lower one is kept', () => {
    const defaultSourceId = full.defaultSourceId.toUpperCase();
    expect(readCreate({ defaultSourceId }).changes).toEqual({ defaultSourceId: full.defaultSourceId });
  });
});

describe('the body of an update', () => {
  it('clears by null what can be cleared', () => {
    const body = { email: null, locale: null, shipping: null, metadata: null, defaultSourceId: null };
    expect(readUpdate('c1', body)).toEqual(body);
  });

  it.each(['type', 'enabled', 'requestToBeForgotten', 'taxCertificate'])('refuses null for %s', (name) => {
    expect(onUpdate({ [name]: null })).toEqual([`invalid_parameter ${name}`]);
  });

  it('passes over read-only fields whatever they hold, but not over another id', () => {
    const readOnly = {
      taxCertificates: 5,
      sources: [{}],
      createdTime: 'x',
      updatedTime: null,
      liveMode: 'x',
      id: 'c1',
    };
    expect(readUpdate('c1', { ...readOnly, enabled: true })).toEqual({ enabled: true });
    for (const id of ['c2', 'C1', null, 1]) expect(onUpdate({ id })).toEqual(['invalid_parameter id']);
  });

  it('reports another id together with all other faults', () => {
    expect(onUpdate({ id: 'c2', email: 1, nope: 1 })).toEqual([
      'unknown_parameter nope',
      'invalid_parameter email',
      'invalid_parameter id',
    ]);
  });

  it('takes null inside shipping for left out', () => {
    const shipping = { name: null, phone: '1', address: { country: 'US', city: null }, additionalAddressInfo: null };
    expect(readUpdate('c1', { shipping })).toEqual({ shipping: { phone: '1', address: { country: 'US' } } });
  });
});

describe('the rules of the fields', () => {
  it.each([
    [{ email: 'no' }, 'email'],
    [{ email: '' }, 'email'],
    [{ email: ' jane@example.com' }, 'email'],
    [{ email: `${'a'.repeat(60)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(20)}` }, 'email'],
    [{ locale: 'english' }, 'locale'],
    [{ locale: '_US' }, 'locale'],
    [{ locale: 'xx_US' }, 'locale'],
    [{ locale: 'en_XX' }, 'locale'],
    [{ type: 'company' }, 'type'],
    [{ enabled: 'true' }, 'enabled'],
    [{ enabled: 1 }, 'enabled'],
    [{ defaultSourceId: 'fd74a5c5' }, 'defaultSourceId'],
    [{ requestToBeForgotten: 'true' }, 'requestToBeForgotten'],
    [{ shipping: 'x' }, 'shipping'],
    [{ shipping: [{ name: 'x' }] }, 'shipping'],
    [{ shipping: { name: 5 } }, 'shipping.name'],
    [{ shipping: { name: 'x'.repeat(501) } }, 'shipping.name'],
    [{ shipping: { name: '\ud800' } }, 'shipping.name'],
    [{ shipping: { email: 'x' } }, 'shipping.email'],
    [{ shipping: { address: 'x' } }, 'shipping.address'],
    [{ shipping: { address: { country: '' } } }, 'shipping.address.country'],
    [{ shipping: { address: { country: ['US'] } } }, 'shipping.address.country'],
    [{ shipping: { additionalAddressInfo: { division: {} } } }, 'shipping.additionalAddressInfo.division'],
    [{ taxCertificate: [taxCertificate] }, 'taxCertificate'],
    [{ taxCertificate: { ...taxCertificate, fileId: '' } }, 'taxCertificate.fileId'],
    [
      { taxCertificate: { ...taxCertificate, startDate: '2026-02-30', endDate: '2027-01-01' } },
      'taxCertificate.startDate',
    ],
    [{ taxCertificate: { ...taxCertificate, endDate: '2025-12-31' } }, 'taxCertificate.endDate'],
    [{ taxCertificate: { ...taxCertificate, endDate: 'soon' } }, 'taxCertificate.endDate'],
    [{ metadata: [{}] }, 'metadata'],
    [{ metadata: [['a', 1]] }, 'metadata'],
    [{ metadata: 'x' }, 'metadata'],
  ] as [JsonObject, string][])('refuse %j', (body, parameter) => {
    expect(onUpdate(body)).toEqual([`invalid_parameter ${parameter}`]);
  });

  it('take the empty array that PHP makes of an empty map', () => {
    const empty = { metadata: [], shipping: [] };
    expect(readCreate(empty)).toEqual({ id: undefined, changes: { metadata: {}, shipping: {} } });
    expect(readUpdate('c1', empty)).toEqual({ metadata: {}, shipping: {} });
    expect(readUpdate('c1', { shipping: { additionalAddressInfo: [] } })).toEqual({
      shipping: { additionalAddressInfo: {} },
    });
    expect(onUpdate({ shipping: { address: [] } })).toEqual(['missing_parameter shipping.address.country']);
    expect(readUpdate('c1', { metadata: { list: [] } })).toEqual({ metadata: { list: [] } });
  });

  it('keep a locale in its canonical form', () => {
    expect(readCreate({ locale: 'de_DE_EURO' }).changes).toEqual({ locale: 'de_DE' });
    expect(readUpdate('c1', { locale: 'iw-IL' })).toEqual({ locale: 'he_IL' });
    expect(readUpdate('c1', { locale: 'nl' })).toEqual({ locale: 'nl' });
  });

  it('let the longest text pass, counted in characters and not in bytes', () => {
    const name = '\u{1f600}'.repeat(500);
    expect(readUpdate('c1', { shipping: { name } })).toEqual({ shipping: { name } });
    expect(onUpdate({ shipping: { name: `${name}x` } })).toEqual(['invalid_parameter shipping.name']);
  });

  it('name what is missing', () => {
    expect(onUpdate({ shipping: { address: {} } })).toEqual(['missing_parameter shipping.address.country']);
    expect(onUpdate({ shipping: { address: { country: null } } })).toEqual([
      'missing_parameter shipping.address.country',
    ]);
    expect(onUpdate({ taxCertificate: {} }).sort()).toEqual(
      Object.keys(taxCertificate)
        .map((name) => `missing_parameter taxCertificate.${name}`)
        .sort(),
    );
  });

  it('name what is unknown, also inside known objects', () => {
    const shipping = { fax: 1, address: { country: 'US', zip: 1 }, additionalAddressInfo: { x: 1 } };
    expect(onUpdate({ shipping, taxCertificate: { ...taxCertificate, y: 1 } })).toEqual([
      'unknown_parameter shipping.fax',
      'unknown_parameter shipping.address.zip',
      'unknown_parameter shipping.additionalAddressInfo.x',
      'unknown_parameter taxCertificate.y',
    ]);
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'])(
    'take %s for an unknown field like any other, everywhere',
    (name) => {
      const key = JSON.stringify(name);
      expect(onUpdate(parsed(`{${key}: {"enabled": true}}`))).toEqual([`unknown_parameter ${name}`]);
      expect(onUpdate(parsed(`{"shipping": {${key}: []}}`))).toEqual([`unknown_parameter shipping.${name}`]);
      expect(onUpdate(parsed(`{"email": {${key}: 1}}`))).toEqual(['invalid_parameter email']);
    },
  );
});

describe('values that are not let in any more', () => {
  const injected = '"x\r\nBcc: a@example.com"@example.org';
  const LINES = ['\n', '\t', '\r', '\u0000', '\u007f', '\u0085'];
  /** Each with the place it is refused at. */
  const refused: readonly (readonly [JsonObject, string])[] = [
    [{ email: injected }, 'invalid_parameter email'],
    [{ email: 'jane@exam\u200bple.com' }, 'invalid_parameter email'],
    [{ shipping: { email: injected } }, 'invalid_parameter shipping.email'],
    ...LINES.flatMap((char): [JsonObject, string][] => [
      [{ shipping: { name: `Jane${char}Doe` } }, 'invalid_parameter shipping.name'],
      [{ shipping: { phone: char } }, 'invalid_parameter shipping.phone'],
      [{ shipping: { address: { country: `U${char}` } } }, 'invalid_parameter shipping.address.country'],
      [{ shipping: { additionalAddressInfo: { phoneticName: char } } }, 'invalid_parameter shipping.additionalAddressInfo.phoneticName'],
      [{ taxCertificate: { ...taxCertificate, companyName: `A${char}B` } }, 'invalid_parameter taxCertificate.companyName'],
      [{ metadata: { [`k${char}`]: 1 } }, 'invalid_metadata_key metadata'],
      [{ metadata: { k: [{ [char]: 1 }] } }, 'invalid_metadata_value metadata'],
    ]),
    ...['\u0000', '\u001b', '\u007f', '\u0085'].flatMap((char): [JsonObject, string][] => [
      [{ shipping: { address: { country: 'US', line1: `1${char}` } } }, 'invalid_parameter shipping.address.line1'],
      [{ metadata: { k: char } }, 'invalid_metadata_value metadata'],
      [{ metadata: { k: { a: [char] } } }, 'invalid_metadata_value metadata'],
    ]),
    [{ metadata: { k: 9007199254740992 } }, 'invalid_metadata_value metadata'],
    [{ metadata: { k: -1e300 } }, 'invalid_metadata_value metadata'],
    [{ metadata: { k: [{ a: 1e20 }] } }, 'invalid_metadata_value metadata'],
  ]; // prettier-ignore

  it.each(refused)('are refused on create: %j', (body, told) => {
    expect(onCreate(body)).toEqual([told]);
  });

  it.each(refused)('are left for the decision on update: %j', (body, told) => {
    const { onlyAsStored = [], ...changes } = readUpdate('c1', body);
    expect(onlyAsStored.map(({ code, parameter }) => `${code} ${parameter}`)).toEqual([told]);
    expect(changes).toEqual(body);
  });

  it('are told of together with other faults, each once', () => {
    const body = { nickname: 1, email: injected, metadata: { 'a\n': '\u0000', 'b\n': '\u0000' }, locale: 'none' };
    const told = [
      'unknown_parameter nickname',
      'invalid_parameter locale',
      'invalid_parameter email',
      'invalid_metadata_key metadata',
      'invalid_metadata_value metadata',
    ];
    expect(onCreate(body)).toEqual(told);
    expect(onUpdate(body)).toEqual(told);
    expect(onUpdate({ email: 'no\n' })).toEqual(['invalid_parameter email']);
  });

  it('are no keys of pairs that are removed: what is stored can be removed', () => {
    expect(onCreate({ metadata: { 'k\n': '' } })).toEqual([]);
    expect(readUpdate('c1', { metadata: { 'k\n': '' } })).toEqual({ metadata: { 'k\n': '' } });
  });

  it('are not lines in a text: an address, a note', () => {
    const body = {
      shipping: { address: { country: 'US', line1: '1600 Amphitheatre Pkwy\nBuilding 40', line2: '\tc/o\r\nJoe' } },
      metadata: { note: 'one\r\ntwo\tthree', k: ['\n'], exact: 9007199254740991 },
    };
    expect(onCreate(body)).toEqual([]);
    expect(readUpdate('c1', body)).toEqual(body);
  });

  it('are marks of direction and joiners only in addresses: names need them', () => {
    const name = '\u200fמשה\u200e \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d💻\ufe0f \ue000 \u00ad';
    expect(onCreate({ shipping: { name }, metadata: { [name.slice(0, 30)]: name } })).toEqual([]);
  });

  it('cost little to find, however many there are', () => {
    const metadata = Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`k${String(i)}\n`, '\u0000']));
    const began = performance.now();
    expect(onUpdate({ metadata })).toContain('too_many_metadata_pairs metadata');
    expect(performance.now() - began).toBeLessThan(250);
  });
});

describe('metadata', () => {
  const pairs = (count: number, value: JsonValue): JsonObject =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${String(i)}`, value]));

  it('holds 20 pairs at most, removals not counted', () => {
    expect(onUpdate({ metadata: pairs(20, 1) })).toEqual([]);
    expect(onUpdate({ metadata: pairs(21, 1) })).toEqual(['too_many_metadata_pairs metadata']);
    expect(onUpdate({ metadata: pairs(200, '') })).toEqual([]);
  });

  it.each(['', 'x'.repeat(41), '__proto__', 'constructor', 'prototype', '\udc00'])('refuses the key %j', (key) => {
    expect(onUpdate(parsed(`{"metadata":{${JSON.stringify(key)}:1}}`))).toEqual(['invalid_metadata_key metadata']);
  });

  it.each([
    ['a long text', JSON.stringify('x'.repeat(501))],
    ['a long list', JSON.stringify(Array.from({ length: 251 }, () => 1))],
    ['a number that is none', '1e999'],
    ['a number that is none, deep', '{"a":[-1e999]}'],
    ['half a character', '"\\ud800"'],
    ['half a character as a key, deep', '[{"\\udfff":1}]'],
    ['a prototype, deep', '[{"__proto__":{}}]'],
    ['a constructor, deep', '{"constructor":1}'],
  ])('refuses %s as a value', (_, value) => {
    expect(onUpdate(parsed(`{"metadata":{"k":${value}}}`))).toEqual(['invalid_metadata_value metadata']);
  });

  it('takes values of just the right length, and 249 levels', () => {
    const metadata = { text: 'x'.repeat(500), list: Array.from({ length: 249 }, () => 1) };
    const deep = parsed(`{"k":${'['.repeat(249)}${']'.repeat(249)}}`);
    expect(readUpdate('c1', { metadata })).toEqual({ metadata });
    expect(readUpdate('c1', { metadata: deep })).toEqual({ metadata: deep });
  });

  it('reports each kind of fault once, and names no key', () => {
    const metadata = { ...pairs(25, 'x'.repeat(501)), ['secret'.repeat(10)]: 1, '': 2 };
    expect(onUpdate({ metadata }).sort()).toEqual([
      'invalid_metadata_key metadata',
      'invalid_metadata_value metadata',
      'too_many_metadata_pairs metadata',
    ]);
  });
});

it('any JSON object gives changes or faults, nothing else, and no answer repeats a value', () => {
  const field = fc.constantFrom(...Object.keys(full), 'id', 'requestToBeForgotten', 'sources');
  const inner = fc.constantFrom(
    'name',
    'address',
    'country',
    'companyName',
    'endDate',
    'email',
    '__proto__',
    'constructor',
  );
  const canary = fc.constantFrom('canary-value', 'canary@example', '');
  const value = fc.oneof(fc.jsonValue(), canary, fc.dictionary(inner, fc.oneof(fc.jsonValue(), canary)));
  fc.assert(
    fc.property(fc.dictionary(field, value), (generated) => {
      const body = parsed(JSON.stringify(generated));
      for (const read of [() => readCreate(body), () => readUpdate('c1', body)]) {
        try {
          read();
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          expect(error.status).toBe(400);
          expect(error.body.errors.map(({ message }) => message).join()).not.toContain('canary');
        }
      }
    }),
    { numRuns: 500 },
  );
});
