import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isJsonObject } from './event-sourcing/event-store.js';

/**
 * The names of installed packages whose files are not the ones that were bundled by the build (`tools/bundle-packages.mjs`):
 * the process runs the bundled ones, so a patch to an installed package has no effect until the next build. Empty where
 * nothing is bundled, or where only the bundle was deployed.
 */
export function packagesPatchedSinceBuild(root = new URL('..', import.meta.url)): readonly string[] {
  const bundled = bundledFiles(new URL('dist/node_modules/.made-from', root));
  if (statSync(new URL('node_modules', root), { throwIfNoEntry: false }) === undefined) return [];
  const changed = Object.keys(bundled).filter((file) => isChanged(fileURLToPath(new URL(file, root)), bundled[file]));
  return [...new Set(changed.map(packageOf))].sort();
}

function bundledFiles(manifest: URL): Readonly<Record<string, unknown>> {
  try {
    const { files }: { files?: unknown } = JSON.parse(readFileSync(manifest, 'utf8')) as object;
    return isJsonObject(files) ? files : {};
  } catch {
    return {};
  }
}

/** Contents are read only where the time differs: some 2,000 files are looked at in each start. */
function isChanged(file: string, was: unknown): boolean {
  if (!isJsonObject(was)) return false;
  const now = statSync(file, { throwIfNoEntry: false });
  if (now?.size !== was['size']) return true;
  if (now?.mtimeMs === was['mtimeMs']) return false;
  return createHash('sha256').update(readFileSync(file)).digest('hex') !== was['sha256'];
}

const packageOf = (file: string): string => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? file;
