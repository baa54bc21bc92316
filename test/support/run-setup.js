import { randomInt } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';

/**
 * Runs once, before the workers start; they inherit what it puts into the environment: one seed for all the tests of the
 * run, and the file into which they write what they leave out (one a run, since two runs may share the folder).
 */
export default function setUpRun() {
  mkdirSync('test-output', { recursive: true });
  process.env.NOT_RUN_FILE = `test-output/not-run.${process.pid}.jsonl`;
  rmSync(process.env.NOT_RUN_FILE, { force: true });
  process.env.FC_SEED ??= String(randomInt(2 ** 31));
}
