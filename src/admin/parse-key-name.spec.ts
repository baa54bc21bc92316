import { InvalidArgumentError } from 'commander';
import { parseKeyName } from './parse-key-name.js';

describe('the name of an API key on the command line', () => {
  it.each(['shop', 'Jane Doe’s shop', '店', '😀'.repeat(100)])('can be "%s"', (name) => {
    expect(parseKeyName(name)).toBe(name);
  });

  it.each(['', 'x'.repeat(101), 'a\tb', 'a\nb', 'a\u001b[31mb', 'a\u0000', 'a\u0085'])('can not be %j', (name) => {
    expect(() => parseKeyName(name)).toThrow(InvalidArgumentError);
  });
});
