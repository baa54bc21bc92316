import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Bench, step } from './bench.js';
import type { Progress } from './child.js';
import type { Replay } from './scale.js';

export interface Evidence {
  readonly grow: Replay;
  readonly verify: Replay;
  readonly export: Replay;
  /** The separate verifier on the bundle, in a process of its own. */
  readonly offlineSeconds: number;
}

const EVENTS_EACH = 10;

/** What it takes to make a log into a tree, to verify all of it, and to export it whole. */
export async function evidence(bench: Bench, onProgress: Progress): Promise<Evidence> {
  const dataDir = bench.newFolder('evidence');
  const part = (index: number): Progress => step(onProgress, index, 4);
  const customers = Math.ceil(bench.options.evidenceEvents / EVENTS_EACH);
  const plans = [{ prefix: 'e', from: 0, to: customers, eventsEach: EVENTS_EACH }];
  await bench.onStores({ kind: 'seed', dataDir, plans }, part(0));
  await bench.onStores({ kind: 'rebuild', dataDir }, part(1));
  const grow = await bench.onStores({ kind: 'grow-tree', dataDir });
  const verified = await bench.onStores({ kind: 'verify', dataDir }, part(2));
  const exported = await bench.onStores({ kind: 'export', dataDir }, part(3));
  const started = performance.now();
  const verifier = spawn(process.execPath, ['verify-export.mjs'], { cwd: join(dataDir, 'export'), stdio: 'ignore' });
  const [code] = (await once(verifier, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The separate verifier ended with ${code}`);
  const offlineSeconds = (performance.now() - started) / 1000;
  return { grow, verify: verified, export: exported, offlineSeconds };
}
