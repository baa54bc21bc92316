import { ApiError } from './errors.js';
import { readJsonBody } from './json-body.js';

const read = (text: string): unknown =>
  readJsonBody({ body: Buffer.from(text), headers: { 'content-type': 'application/json' } });

describe('a JSON body', () => {
  it('nests 256 levels and not one more', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(() => read(nested(256))).not.toThrow();
    expect(() => read(nested(257))).toThrow(ApiError);
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
});
