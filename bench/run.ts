import { writeFileSync } from 'node:fs';
import { appendToView } from './append-to-view.js';
import { evidence } from './audit-verify.js';
import { auditReads } from './audit.js';
import { Bench } from './bench.js';
import { catchUps } from './catch-up.js';
import { beforeTheEnd, end, isEnding } from './clean-up.js';
import { feed } from './feed.js';
import { updatesByHistory } from './history.js';
import { describeMachine, loadAverage } from './machine.js';
import { OPERATIONS } from './operations.js';
import { type Options, readOptions } from './options.js';
import { profile } from './profile.js';
import {
  auditText,
  comparisonText,
  evidenceText,
  historyText,
  machineText,
  REBUILD_AIM,
  replayText,
  scaleText,
  unavailableText,
} from './report.js';
import { scale } from './scale.js';
import { type Comparison, sideBySide } from './side-by-side.js';
import { NoServers, type Place, StoreServers } from './store-servers.js';
import { streams } from './streams.js';
import { feedText, streamsText } from './subscribers-report.js';
import { appendToViewText, catchUpText, serversText } from './stores-report.js';

async function main(options: Options): Promise<void> {
  const servers = options.onServers ? StoreServers.named(process.env) : undefined;
  const started = performance.now();
  const bench = new Bench(options);
  const machine = describeMachine(bench.folder);
  const loadBefore = loadAverage();
  console.log(machineText(machine, loadBefore));
  const measured = servers === undefined ? await onEmbedded(bench) : await onServers(bench, servers);
  const loadAfter = loadAverage();
  const minutes = (performance.now() - started) / 60_000;
  console.log(`\nLoad average at the end ${loadAfter}; the bench took ${minutes.toFixed(1)} minutes`);
  await bench.end();
  if (options.json !== undefined) {
    const figures = { at: new Date(), machine, loadBefore, loadAfter, ...measured };
    writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
}

async function onEmbedded(bench: Bench): Promise<object> {
  const { parts } = bench.options;
  const embedded = (): Place => ({ dataDir: bench.newFolder('side-by-side') });
  const comparisons = parts.has('profile') ? [] : await compared(bench, embedded);
  const sizes = parts.has('scale') ? await bench.showing('Scale', (heard) => scale(bench, heard)) : [];
  if (parts.has('scale')) section('Reads as the number of customers grows', scaleText(sizes));
  const histories = parts.has('history')
    ? await bench.showing('History', (heard) => updatesByHistory(bench, heard))
    : undefined;
  if (histories !== undefined) section('An update as the history grows', historyText(histories));
  const audits = parts.has('audit') ? await bench.showing('Audit', (heard) => auditReads(bench, heard)) : undefined;
  if (audits !== undefined) section('Reading the past as it grows', auditText(audits));
  const proofs = parts.has('audit') ? await bench.showing('Evidence', (heard) => evidence(bench, heard)) : undefined;
  if (proofs !== undefined) section('The evidence', evidenceText(proofs));
  if (sizes.length > 0 || histories !== undefined) section('Replay and memory', replayText(sizes, histories));
  const events = await onSubscribers(bench);
  if (parts.has('profile')) for await (const text of profile(bench)) console.log(`\n${text}`);
  return { rebuildAim: REBUILD_AIM, comparisons, sizes, histories, audits, evidence: proofs, ...events };
}

async function onSubscribers(bench: Bench): Promise<object> {
  const { parts } = bench.options;
  const read = parts.has('feed') ? await bench.showing('Feed', (heard) => feed(bench, heard)) : undefined;
  if (read !== undefined) section('The feed of events over HTTP', feedText(read));
  const held = parts.has('streams') ? await bench.showing('Streams', (heard) => streams(bench, heard)) : undefined;
  if (held !== undefined) section('Live streams', streamsText(held));
  return { feed: read, streams: held };
}

async function onServers(bench: Bench, servers: StoreServers): Promise<object> {
  const { parts } = bench.options;
  const found = await servers.find();
  beforeTheEnd(() => servers.drop());
  console.log(serversText(found, servers.streamPrefix));
  const fresh = (name: string): Required<Place> => servers.fresh(bench.newFolder(name));
  const comparisons = await compared(bench, () => fresh('side-by-side'));
  const lag = parts.has('lag')
    ? await bench.showing('Append to view', (heard) => appendToView(bench, fresh('lag'), heard))
    : undefined;
  if (lag !== undefined) section('Append to view', appendToViewText(lag));
  const replay = parts.has('catch-up')
    ? await bench.showing('Catch-up', (heard) => catchUps(bench, fresh('catch-up'), heard))
    : undefined;
  if (replay !== undefined) section('Catch-up from the beginning of the log', catchUpText(replay));
  return { servers: found, comparisons, appendToView: lag, catchUp: replay };
}

async function compared(bench: Bench, place: () => Place): Promise<readonly Comparison[]> {
  if (!OPERATIONS.some((operation) => bench.options.parts.has(operation))) return [];
  const comparisons = await bench.showing('Side by side', (heard) => sideBySide(bench, place(), heard));
  section('Side by side with the floor', [comparisonText(comparisons), ...unavailableText(comparisons)].join('\n'));
  return comparisons;
}

const section = (title: string, text: string): void => console.log(`\n${title}\n\n${text}`);

main(readOptions(process.argv)).then(
  () => end(0),
  (error: unknown) => {
    if (isEnding()) return end(1);
    if (error instanceof NoServers) {
      process.stderr.write(`${error.message}\n`);
      return end(2);
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return end(1);
  },
);
