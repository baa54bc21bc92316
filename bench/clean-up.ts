import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const alive = new Set<ChildProcess>();
const folders = new Set<string>();

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

process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const [signal, number] of [['SIGINT', 2] as const, ['SIGTERM', 15] as const]) {
  process.on(signal, () => process.exit(128 + number));
}
