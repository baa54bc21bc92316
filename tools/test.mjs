// node tools/test.mjs [--long] [arguments for Jest]
//
// Builds first, because some tests start dist/main.js as a process. Jest gets its flag as an argument and not through
// NODE_OPTIONS, so that the processes which tests start don't inherit it.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, root } from './build.mjs';

const long = process.argv[2] === '--long';
const args = process.argv.slice(long ? 3 : 2);
const report = join(root, 'test-output/jest.json');

rmSync(report, { force: true });
build();

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    '--json',
    `--outputFile=${report}`,
    ...args,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...(long && { TEST_SCALE: 'long' }) } },
);
process.exit(status ?? 1);
