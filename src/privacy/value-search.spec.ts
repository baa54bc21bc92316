import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { ValueSearch } from './value-search.js';

const VALUE = 'Zq "c4" \u00e4/+ Wx';

describe('The search for values', () => {
  it.each([
    ['plain', VALUE],
    ['in capitals', VALUE.toUpperCase().replace('\u00c4', '\u00e4')],
    ['in UTF-16', Buffer.from(`{${VALUE}}`, 'utf16le')],
    ['in UTF-16, big end first', Buffer.from(VALUE, 'utf16le').swap16()],
    ['percent-encoded', encodeURIComponent(VALUE)],
    ['in JSON', JSON.stringify({ VALUE })],
    ['in JSON in JSON', JSON.stringify({ text: JSON.stringify({ VALUE }) })],
    ['in base64', Buffer.from(VALUE).toString('base64')],
    ['in base64 behind one byte', Buffer.from(`{${VALUE}}`).toString('base64')],
    ['in base64 behind two', Buffer.from(`{"${VALUE}"}`).toString('base64url')],
    ['in hex', Buffer.from(`x${VALUE}`).toString('hex')],
    ['as its MD5 in hex', createHash('md5').update(VALUE.toLowerCase()).digest('hex')],
    ['as its SHA-256 in base64', createHash('sha256').update(VALUE).digest('base64')],
  ])('finds a value %s, wherever the pieces are cut, and no other value', (_, planted) => {
    const bytes = Buffer.concat([Buffer.from('before'), Buffer.from(planted as string), Buffer.from('after')]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 5 }), (cuts) => {
        const search = new ValueSearch([VALUE.replace('4', '5'), VALUE]);
        const take = search.in('here');
        const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
        for (const [at, end] of ends.entries()) take(bytes.subarray(ends[at - 1] ?? 0, end));
        const [first, ...more] = search.findings.filter(({ form }) => form !== 'base64 of UTF-16');
        expect(first).toMatchObject({ place: 'here', value: 2, count: 1 });
        expect(more.filter(({ value, count }) => value !== 2 || count !== 1)).toEqual([]);
      }),
      { numRuns: 12, seed: seed() },
    );
  });

  it('counts how often, by place', () => {
    const search = new ValueSearch(['jane@example.com']);
    search.in('one')(Buffer.from('jane@example.com, Jane@Example.com'));
    search.in('two')(Buffer.from('jane@example.co'));
    expect(search.findings).toEqual([{ place: 'one', value: 1, form: 'UTF-8', count: 2 }]);
  });
});
