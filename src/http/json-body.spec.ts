import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { ApiError, type Fault } from './errors.js';
import { readJsonBody } from './json-body.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const read = (body: string, headers: Record<string, string> = JSON_TYPE, method = 'POST'): unknown =>
  readJsonBody({ body: Buffer.from(body), headers, method });

function faultOf(body: string, headers?: Record<string, string>, method?: string): Fault | undefined {
  try {
    read(body, headers, method);
  } catch (error) {
    if (error instanceof ApiError) return error.faults[0];
    throw error;
  }
  return undefined;
}

describe('a JSON body', () => {
  it('nests 256 levels and not one more', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(() => read(nested(256))).not.toThrow();
    expect(faultOf(nested(257))).toMatchObject({ code: 'invalid_format' });
  });

  it('may hold any number of brackets in its texts, behind escapes too, and of shallow lists', () => {
    const text = {
      a: `"${'[{'.repeat(400)}`,
      b: `\\"${'['.repeat(400)}\\`,
      c: Array.from({ length: 400 }, () => [{}]),
    };
    expect(read(JSON.stringify(text))).toEqual(text);
  });

  it('may begin with a byte order mark', () => {
    expect(read('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  it.each(['', ' ', '\r\n', 'null', ' null\n', '[]', '[ ]', '{}'])(
    'is none when it is %j, as clients send it',
    (body) => {
      expect(read(body)).toEqual({});
    },
  );

  it.each(['""', '0', 'false', '[null]', '[{}]', '"null"'])('is an object, not %s', (body) => {
    expect(faultOf(body)).toEqual({ code: 'invalid_format', message: 'The body must be a JSON object' });
  });

  it.each([
    ['{"a":1,}', 1, 8],
    ['{"a":\n  1\n  "canary":2}', 3, 3],
    ['{"a":1\r\n"canary"}', 2, 1],
    ["{'canary':1}", 1, 2],
    ['{canary:1}', 1, 2],
    ['{"a" "canary"}', 1, 6],
    ['{"a":tru}', 1, 6],
    ['{"a":NaN}', 1, 6],
    ['{"a":+1}', 1, 6],
    ['{"a":01}', 1, 7],
    ['{"a":1.}', 1, 7],
    ['{"a":.5}', 1, 6],
    ['{"a":"canary', 1, 13],
    ['{"a":"ca\nnary"}', 1, 9],
    ['{"a":"\\x41"}', 1, 7],
    ['{"a":"\\u12"}', 1, 7],
    ['{"a":1}}', 1, 8],
    ['{"a":1} canary', 1, 9],
    ['{"a":[1 2]}', 1, 9],
    ['{"a":[1}', 1, 8],
    ['[1,', 1, 4],
    ['{', 1, 2],
    ['{}{}', 1, 3],
    ['canary@example.com', 1, 1],
    ['email=canary%40example.com', 1, 1],
    ['\u00a0{} x', 1, 1],
  ])('that is none is refused with its place, never its text: %j', (body, line, column) => {
    expect(faultOf(body)).toEqual({
      code: 'invalid_format',
      message: `The body is not valid JSON: line ${String(line)}, column ${String(column)}`,
    });
  });

  it('is judged as JSON.parse judges it, whatever it is', () => {
    const pieces = ['{', '}', '[', ']', ':', ',', '"', '\\', 'a', '"a"', '1', '-', '0', '.5', 'e1', 'true', 'null', ' ', '\n', '\u0001', '\\u00e9'];
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((all) => all.join(''))), (text) => {
        const body = `{"x":${text}}`;
        let parsed: unknown;
        try {
          parsed = JSON.parse(body);
        } catch {
          expect([body, faultOf(body)?.code]).toEqual([body, 'invalid_format']);
          return;
        }
        const fault = faultOf(body);
        if (fault !== undefined) expect([body, fault.message]).toEqual([body, 'The body gives a name twice in one object']);
        else expect(read(body)).toEqual(parsed);
      }),
      { seed: seed(), numRuns: 3_000 },
    );
  }); // prettier-ignore

  it.each([
    ['{"email":"a","email":"b"}', 'email'],
    ['{"email":"a","email":"a"}', 'email'],
    ['{"email":"a","\\u0065mail":"b"}', 'email'],
    ['{"a":1,"metadata":{"k":1,"k":1}}', 'metadata'],
    ['{"metadata":{"k":[{"x":1,"x":2}]},"a":1}', 'metadata'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('gives each name of an object once: %s', (body, parameter) => {
    expect(faultOf(body)).toMatchObject({ code: 'invalid_format', parameter });
  });

  it('may use a name in several objects', () => {
    const body = '{"a":{"k":1},"b":[{"k":1},{"k":1}],"k":1}';
    expect(read(body)).toEqual(JSON.parse(body));
  });

  it('turns a number that a double can not hold into one that no rule takes, and leaves all others', () => {
    expect(read('{"a":[1524831183200260097,1,{"b":1e-400}],"c":"1524831183200260097","d":0.1}')).toEqual({
      a: [Infinity, 1, { b: Infinity }],
      c: '1524831183200260097',
      d: 0.1,
    });
  });

  it('is refused as soon as it holds more values than any valid one', () => {
    const fields = (count: number): string =>
      `{${Array.from({ length: count }, (_, i) => `"f${String(i)}":1`).join(',')}}`;
    expect(Object.keys(read(fields(9_999)) as object)).toHaveLength(9_999);
    for (const body of [fields(45_000), `{"metadata":${fields(40_000)}}`, `{"a":[${'1,'.repeat(100_000)}1]}`]) {
      expect(faultOf(body)).toEqual({ code: 'invalid_format', message: 'The body holds more than 10000 values' });
    }
  });

  it.each([
    ['application/json', 'POST'],
    ['APPLICATION/JSON', 'POST'],
    ['application/json; charset=utf-8', 'POST'],
    ['application/json;charset="UTF-8"', 'POST'],
    ['application/json; charset=utf8; x=y', 'POST'],
    ['application/json;', 'POST'],
    ['application/merge-patch+json', 'PATCH'],
    ['application/merge-patch+json; charset=utf-8', 'PATCH'],
  ])('can be of the type %s on %s', (type, method) => {
    expect(read('{"a":1}', { 'content-type': type }, method)).toEqual({ a: 1 });
  });

  it.each([
    ['text/plain', 'POST'],
    ['text/json', 'POST'],
    ['application/x-www-form-urlencoded', 'POST'],
    ['multipart/form-data; boundary=x', 'POST'],
    ['application/json; charset=iso-8859-1', 'POST'],
    ['application/json; charset=utf-16', 'POST'],
    ['application/merge-patch+json', 'POST'],
    ['application/json-patch+json', 'PATCH'],
  ])('can not be of the type %s on %s', (type, method) => {
    expect(faultOf('{"a":1}', { 'content-type': type }, method)?.code).toBe('unsupported_media_type');
    expect(faultOf('null', { 'content-type': type }, method)?.code).toBe('unsupported_media_type');
  });

  it('must not be compressed, and is told so', () => {
    const fault = faultOf('{"a":1}', { ...JSON_TYPE, 'content-encoding': 'gzip' });
    expect(fault).toEqual({ code: 'unsupported_media_type', message: expect.stringContaining('compressed') as string });
    expect(read('{"a":1}', { ...JSON_TYPE, 'content-encoding': 'identity' })).toEqual({ a: 1 });
  });
});
