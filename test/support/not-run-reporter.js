import { existsSync, readFileSync, rmSync } from 'node:fs';

/**
 * Prints, after everything else, what this run left out and why, and the seed it ran with: a green run must not be taken
 * for more than it was.
 */
export default class NotRunReporter {
  /** @param {import('jest').Config} globalConfig */
  constructor(globalConfig) {
    this.filtered = Boolean(globalConfig.testNamePattern);
  }

  /**
   * @param {unknown} _contexts
   * @param {import('@jest/reporters').AggregatedResult} results
   */
  onRunComplete(_contexts, results) {
    const left = [...announced(), ...(this.filtered ? [] : skipped(results))];
    const lines = left.map(({ what, why }) => `  - ${what}: ${why}`);
    const title = lines.length > 0 ? `NOT RUN (${lines.length}):` : 'Nothing was left out of this run.';
    const seed = process.env.FC_SEED ?? '';
    console.error(
      ['', title, ...lines, `Seed ${seed}; to replay it: FC_SEED=${seed} npm test -- <file>`, ''].join('\n'),
    );
  }
}

/** @returns {{ what: string, why: string }[]} what tests left out by calling notRun() */
const announced = () => {
  const file = process.env.NOT_RUN_FILE;
  if (file === undefined || !existsSync(file)) return [];
  const lines = new Set(readFileSync(file, 'utf8').trim().split('\n'));
  rmSync(file);
  return [...lines].map((line) => JSON.parse(line));
};

/** @type {(results: import('@jest/reporters').AggregatedResult) => { what: string, why: string }[]} */
const skipped = ({ testResults }) =>
  testResults.flatMap((file) =>
    file.testResults
      .filter(({ status }) => status === 'pending' || status === 'todo')
      .map(({ fullName, status }) => ({ what: fullName, why: status === 'todo' ? 'still to be written' : 'skipped' })),
  );
