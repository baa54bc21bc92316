import type { Command } from 'commander';
import { type ErasureFigures, erasureFigures } from '../customers/queries/erasure-figures.js';
import { destroyKey } from './destroy-key.js';
import { sweep } from './privacy-sweep.js';
import { progressBar } from './progress-bar.js';
import { withStores } from './with-stores.js';

interface ReportOptions {
  readonly json?: boolean;
}

const DAY_MS = 86_400_000;

export function addPrivacyCommands(program: Command): void {
  const privacy = program.command('privacy').description('Prove that nothing personal lies in clear; count erasures.');
  privacy
    .command('sweep')
    .description('Look for values in clear, in every store and every file of the data folder; the service may run.')
    .requiredOption('--values <file>', 'a file with one value a line, or - for standard input; never shown')
    .addHelpText(
      'after',
      '\nLooks for each value as UTF-8 and UTF-16, in JSON, percent-encoded, in hex and base64, and for its plain MD5,' +
        '\nSHA-1 and SHA-256; capitals do not matter. Prints place, number of the value and how often, never the value.' +
        '\nExit codes: 0 found nowhere, 1 found, 2 called wrongly, 3 could not look everywhere.',
    )
    .action(sweep);
  privacy
    .command('report')
    .description('Count requests to be forgotten, and how long they took, from the whole log; the service may run.')
    .option('--json', 'one JSON object instead of a table')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 called wrongly.')
    .action(report);
  privacy
    .command('destroy-key')
    .description('Destroy the keys of a customer that is set aside as damaged, where an erasure is not possible.')
    .argument('<id>', "the customer's id")
    .addHelpText('after', '\nCannot be undone. Exit codes: 0 done, 1 refused or failed, 2 called wrongly.')
    .action(destroyKey);
}

async function report({ json = false }: ReportOptions): Promise<void> {
  const figures = await withStores(async ({ stores }) => {
    const bar = progressBar('Counting');
    return erasureFigures(stores.eventStore, Date.now(), (fraction) => {
      bar.update(fraction, 'the log');
    }).finally(() => {
      bar.stop();
    });
  });
  if (json) console.log(JSON.stringify(figures));
  else for (const [name, value] of table(figures)) console.log(`${name.padEnd(28)}${value}`);
}

function table(figures: ErasureFigures): readonly (readonly [string, string])[] {
  const { averageMs, nextDue } = figures;
  return [
    ['requests to be forgotten', String(figures.requests)],
    ['  withdrawn', String(figures.withdrawn)],
    ['  due', `${String(figures.due)}${nextDue === undefined ? '' : `  (the first at ${nextDue})`}`],
    ['  overdue', String(figures.overdue)],
    ['under a legal hold', String(figures.held)],
    ['erased', String(figures.erased)],
    ['deleted', String(figures.deleted)],
    ['from request to erasure', averageMs === undefined ? '-' : `${(averageMs / DAY_MS).toFixed(1)} days on average`],
    ['as of', figures.asOf],
  ];
}
