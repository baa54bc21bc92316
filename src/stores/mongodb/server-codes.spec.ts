import { readFileSync } from 'node:fs';
import { type KnownCode, SERVER_CODES } from './server-codes.js';

/** Code and name of each pair of cells between two of the headings. */
function documented(heading: string): Map<number, string> {
  const page = readFileSync('docs/store-failures.md', 'utf8');
  const [, after = ''] = page.split(`**${heading}**\n`);
  const [table = ''] = after.split('\n**');
  return new Map([...table.matchAll(/\b(\d+) \| (\w+)/g)].map(([, code, name]) => [Number(code), String(name)]));
}

describe('the codes of the server', () => {
  it.each<[string, KnownCode['meaning']]>([
    ['Away', 'away'],
    ['Busy', 'busy'],
    ['Refusals', 'refused'],
  ])('are documented as they are decided: %s', (heading, meaning) => {
    const decided = [...SERVER_CODES].filter(([, code]) => code.meaning === meaning);
    expect(documented(heading)).toEqual(new Map(decided.map(([code, { name }]) => [code, name])));
  });
});
