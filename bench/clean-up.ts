import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const alive = new Set<ChildProcess>();
const folders = new Set<string>();
const duties = new Set<() => Promise<void>>();

/** For a server that is gone. */
const PATIENCE_MS = 10_000;

/** However the bench ends, this process ends with it. */
export function endWithUs<C extends ChildProcess>(child: C): C {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  return child;
}

/** Removed when the bench ends. */
export function temporaryFolder(parent: string): string {
  const folder = mkdtempSync(join(resolve(parent), 'customers-bench-'));
  folders.add(folder);
  return folder;
}

/** Done before the bench ends, also when it fails or is interrupted, once none of its processes is left. */
export function beforeTheEnd(duty: () => Promise<void>): void {
  duties.add(duty);
}

let ending: Promise<never> | undefined;

/** From here on things fail because they are ended. */
export const isEnding = (): boolean => ending !== undefined;

/** Ends this process; once that is under way, nothing that fails because of it ends it earlier or otherwise. */
export function end(code: number): Promise<never> {
  ending ??= endNow(code);
  return ending;
}

async function endNow(code: number): Promise<never> {
  for (const child of alive) child.kill('SIGKILL');
  const all = Promise.allSettled([...duties].map((duty) => duty()));
  const done = await Promise.race([all, delay(PATIENCE_MS)]);
  const failed = done?.find((one) => one.status === 'rejected');
  if (failed !== undefined) process.stderr.write(`Not all was cleaned up: ${String(failed.reason)}\n`);
  process.exit(code);
}

process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const [signal, number] of [['SIGINT', 2] as const, ['SIGTERM', 15] as const]) {
  process.on(signal, () => void end(128 + number));
}
