import { existsSync, readFileSync } from 'node:fs';

const FILE = /^(?:test|src)\/[\w./-]+\.ts$/;

/** Each file of tests that the page names, with the tests named behind it: `file`: `test`, `test`. */
function namedTests(page: string): readonly (readonly [file: string, tests: readonly string[]])[] {
  const found = readFileSync(page, 'utf8').matchAll(/`([^`\n]+)`(?:: ((?:`[^`\n]+`(?:, )?)+))?/g);
  return [...found].flatMap(([, file = '', tests = '']) =>
    FILE.test(file) ? [[file, [...tests.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)]] : [],
  );
}

it('the page on privacy names a test for each row, and every one of them is there', () => {
  const page = 'docs/privacy.md';
  const named = namedTests(page);
  expect(named.length).toBeGreaterThan(25);
  const missing = named.flatMap(([file, tests]) => {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return tests.length === 0 ? [file] : tests.filter((name) => !text.includes(name)).map((name) => `${file}: ${name}`);
  });
  expect(missing).toEqual([]);
  const copies = /## Every copy\n\n\|.*\n\|.*\n((?:\|.*\n)+)/.exec(readFileSync(page, 'utf8'))?.[1] ?? '';
  const rows = copies.trimEnd().split('\n');
  expect(rows.length).toBeGreaterThan(8);
  expect(rows.filter((row) => !/`: `/.test(row))).toEqual([]);
});
