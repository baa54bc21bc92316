import { readFileSync } from 'node:fs';
import { canonicalLocale } from '../../src/customers/dto/locale.js';
import { parseDateTime } from '../../src/http/date-time.js';
import { isKept } from '../../src/http/json-numbers.js';
import { parseQueryString } from '../../src/http/query-string.js';

const page = readFileSync('docs/values.md', 'utf8');

/** The rows of a section's tables, each the codes of its first two columns. */
function rowsOf(heading: string): (readonly [first: readonly string[], second: readonly string[], text: string])[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  const codes = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
  const rows = section.split('\n').filter((line) => /^\| .*`/.test(line));
  return rows.map((line) => {
    const [first, second] = line.split(' | ');
    return [codes(first), codes(second), second ?? ''];
  });
}

describe('docs/values.md', () => {
  it('tells of each locale what becomes of it', () => {
    const rows = rowsOf('Locales');
    expect(rows.length).toBeGreaterThan(30);
    for (const [[sent = ''], [becomes]] of rows) expect([sent, canonicalLocale(sent)]).toEqual([sent, becomes]);
  });

  it('tells of each date-time what it means', () => {
    const rows = rowsOf('Date-times');
    expect(rows.length).toBeGreaterThan(15);
    for (const [[sent = ''], [means]] of rows) {
      const time = parseDateTime(sent);
      expect([sent, time === undefined ? undefined : new Date(time).toISOString()]).toEqual([sent, means]);
    }
  });

  it('tells of each number whether it is taken', () => {
    const rows = rowsOf('Numbers');
    expect(rows.map(([, , verdict]) => verdict.replace(/ \|$/, ''))).toEqual(['taken', 'refused']);
    for (const [numbers, , verdict] of rows) {
      for (const number of numbers) {
        const isTaken = isKept(number) && Math.abs(Number(number)) <= Number.MAX_SAFE_INTEGER;
        expect([number, isTaken]).toEqual([number, verdict.startsWith('taken')]);
      }
    }
  });

  it('tells of each query for an address what it looks for', () => {
    const rows = rowsOf('E-mail').filter(([[first = '']]) => first.startsWith('email='));
    expect(rows).toHaveLength(3);
    for (const [queries, [wanted]] of rows) {
      for (const query of queries) expect(parseQueryString(query).get('email')).toEqual([wanted]);
    }
  });
});
