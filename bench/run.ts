import { writeFileSync } from 'node:fs';
import { Bench } from './bench.js';
import { updatesByHistory } from './history.js';
import { describeMachine, loadAverage } from './machine.js';
import { OPERATIONS } from './operations.js';
import { type Options, readOptions } from './options.js';
import { profile } from './profile.js';
import { comparisonText, historyText, machineText, REBUILD_AIM, replayText, scaleText } from './report.js';
import { scale } from './scale.js';
import { sideBySide } from './side-by-side.js';

async function main(options: Options): Promise<void> {
  const started = performance.now();
  const bench = new Bench(options);
  const { parts } = options;
  const machine = describeMachine(bench.folder);
  const loadBefore = loadAverage();
  console.log(machineText(machine, loadBefore));
  const compared = OPERATIONS.some((operation) => parts.has(operation)) && !parts.has('profile');

  const comparisons = compared ? await bench.showing('Side by side', (heard) => sideBySide(bench, heard)) : [];
  if (compared) section('Side by side with the floor', comparisonText(comparisons));
  const sizes = parts.has('scale') ? await bench.showing('Scale', (heard) => scale(bench, heard)) : [];
  if (parts.has('scale')) section('Reads as the number of customers grows', scaleText(sizes));
  const histories = parts.has('history')
    ? await bench.showing('History', (heard) => updatesByHistory(bench, heard))
    : undefined;
  if (histories !== undefined) section('An update as the history grows', historyText(histories));
  if (sizes.length > 0 || histories !== undefined) section('Replay and memory', replayText(sizes, histories));
  if (parts.has('profile')) for await (const text of profile(bench)) console.log(`\n${text}`);

  const loadAfter = loadAverage();
  const minutes = (performance.now() - started) / 60_000;
  console.log(`\nLoad average at the end ${loadAfter}; the bench took ${minutes.toFixed(1)} minutes`);
  await bench.end();
  if (options.json !== undefined) {
    const figures = { machine, loadBefore, loadAfter, rebuildAim: REBUILD_AIM, comparisons, sizes, histories };
    writeFileSync(options.json, `${JSON.stringify({ at: new Date(), ...figures }, null, 2)}\n`);
  }
}

const section = (title: string, text: string): void => console.log(`\n${title}\n\n${text}`);

main(readOptions(process.argv)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
