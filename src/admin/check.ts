import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readConfig } from '../config.js';
import { checkFolder, type FileReport } from '../stores/sqlite/folder-check.js';
import { progressBar } from './progress-bar.js';

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('Look through the files of the data folder for damage; changes nothing, the service may run.')
    .addHelpText(
      'after',
      '\nNames file, table and what to do. What was changed by people rather than by a disk: audit verify.' +
        '\nExit codes: 0 all files are whole, 1 one is damaged or can not be read, 2 called wrongly.',
    )
    .action(check);
}

function check(): void {
  const folder = resolve(readConfig().dataDir);
  const bar = progressBar('Checking');
  const reports: FileReport[] = [];
  try {
    for (const report of checkFolder(folder, (place, fraction) => bar.update(fraction, place))) reports.push(report);
  } finally {
    bar.stop();
  }
  for (const { name, state, faults } of reports) {
    console.log(`${name}\t${state}`);
    for (const { table, what } of faults) console.log(`\t${table === '*' ? 'file' : `table ${table}`}: ${what}`);
  }
  const damaged = reports.filter(({ state }) => state === 'damaged');
  if (damaged.length > 0)
    throw new Error(
      damaged.map(({ name, remedy = '' }) => `${resolve(folder, name)} is damaged: ${remedy}`).join('\n'),
    );
}
