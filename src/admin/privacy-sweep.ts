import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { readConfig } from '../config.js';
import { SHORTEST } from '../privacy/value-forms.js';
import { type Finding, ValueSearch } from '../privacy/value-search.js';
import { progressBar } from './progress-bar.js';
import { takeContents } from './stored-contents.js';

export interface SweepOptions {
  /** `-`: standard input. */
  readonly values: string;
}

const FOUND = 1;
const COULD_NOT_RUN = 3;

/** Sets the exit code: 0 nothing was found, 1 something was, 3 it could not be looked for everywhere. */
export async function sweep({ values: file }: SweepOptions): Promise<void> {
  try {
    const findings = await search(file);
    for (const line of linesFor(findings)) console.log(line);
    if (findings.length > 0) process.exitCode = FOUND;
  } catch (error) {
    process.stderr.write(`The sweep did not come to its end: ${error instanceof Error ? error.message : 'failed'}\n`);
    process.exitCode = COULD_NOT_RUN;
  }
}

async function search(file: string): Promise<readonly Finding[]> {
  const values = await readValues(file);
  const looking = new ValueSearch(values);
  const bar = progressBar('Sweeping');
  let current: { readonly place: string; readonly take: (piece: Uint8Array) => void } | undefined;
  let places = 0;
  const take = (place: string, piece: Uint8Array, fraction: number): void => {
    if (current?.place !== place) {
      current = { place, take: looking.in(place) };
      places += 1;
    }
    current.take(piece);
    bar.update(fraction, place);
  };
  await takeContents(readConfig(), take, file === '-' ? undefined : resolve(file)).finally(() => {
    bar.stop();
  });
  console.log(`Looked for ${String(values.length)} values in ${String(places)} places.`);
  return looking.findings;
}

/** One a line. @throws Error there is none, or one that is too short to be told from chance; never with the value */
async function readValues(file: string): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const line of createInterface({ input: file === '-' ? process.stdin : createReadStream(file) })) {
    if (line.trim() === '') continue;
    values.push(line);
    if (Buffer.byteLength(line) < SHORTEST)
      throw new Error(
        `value ${String(values.length)} has fewer than ${String(SHORTEST)} bytes: it would be found by chance`,
      );
  }
  if (values.length === 0) throw new Error('there are no values to look for');
  return values;
}

/** A line for each place and value; never the value. */
function* linesFor(findings: readonly Finding[]): Iterable<string> {
  if (findings.length === 0) yield 'Found nowhere.';
  const lines = new Map<string, { count: number; readonly forms: Set<string> }>();
  for (const { place, value, form, count } of findings) {
    const name = `${place}\tvalue ${String(value)}`;
    const line = lines.get(name) ?? { count: 0, forms: new Set<string>() };
    line.count += count;
    lines.set(name, { count: line.count, forms: line.forms.add(form) });
  }
  for (const [name, { count, forms }] of lines) yield `${name}\t${String(count)} times\t${[...forms].join(', ')}`;
}
