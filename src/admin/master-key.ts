import type { Command } from 'commander';
import { loadMasterKeys } from '../privacy/master-key-file.js';
import { type MasterKeyUse, masterKeyUse, rotate } from '../privacy/master-key-rotation.js';
import { progressBar } from './progress-bar.js';
import { type Opened, withStores } from './with-stores.js';

export function addMasterKeyCommands(program: Command): void {
  const keys = program.command('master-key').description('See and exchange the master key that wraps all other keys.');
  keys
    .command('status')
    .description('How many keys each master key wraps, and whether an old one may be destroyed.')
    .action(() => withStores(status));
  keys
    .command('rotate')
    .description('Wrap by the active master key whatever an old one wraps; the service may run.')
    .addHelpText(
      'after',
      '\nThe first of MASTER_KEYS is the active one; every instance must have started with it before.' +
        '\nCan be ended and run again. Exit codes: 0 all is wrapped by the active one, 1 something is left, 2 called wrongly.',
    )
    .action(() => withStores(rotateAll));
}

async function status({ config, stores }: Opened): Promise<void> {
  print(await masterKeyUse(stores.subjectKeys, await loadMasterKeys(config)));
}

async function rotateAll({ config, stores: { subjectKeys } }: Opened): Promise<void> {
  const masterKeys = await loadMasterKeys(config);
  const before = await masterKeyUse(subjectKeys, masterKeys);
  const total = leftIn(before);
  const bar = progressBar('Rotating');
  const { rewrapped, unopened } = await rotate(subjectKeys, masterKeys, (done) => {
    bar.update(total === 0 ? 1 : done / total, `${String(done)} of ${String(total)} keys`);
  }).finally(() => {
    bar.stop();
  });
  console.log(`${String(rewrapped)} keys are wrapped by ${masterKeys.activeId} now.`);
  const after = await masterKeyUse(subjectKeys, masterKeys);
  print(after);
  const left = leftIn(after);
  if (left === 0) return;
  throw new Error(
    unopened > 0
      ? `${String(left)} keys are left that do not open: configure their master keys, then run it again.`
      : `${String(left)} keys were made meanwhile under an old master key: start every instance with ${masterKeys.activeId} first, then run it again.`,
  );
}

const leftIn = (uses: readonly MasterKeyUse[]): number =>
  uses.reduce((sum, { state, count }) => (state === 'active' ? sum : sum + count), 0);

function print(uses: readonly MasterKeyUse[]): void {
  for (const use of uses) console.log([use.id, use.state, `${String(use.count)} keys`, adviceFor(use)].join('\t'));
}

function adviceFor({ state, count }: MasterKeyUse): string {
  switch (state) {
    case 'active':
      return 'wraps new keys';
    case 'old':
      return count === 0
        ? 'wraps nothing here: may be removed and destroyed'
        : 'must stay: npm run admin -- master-key rotate';
    case 'unknown':
      return 'not configured: what it wraps does not open';
    default:
      return state satisfies never;
  }
}
