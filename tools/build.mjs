import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Brings `dist/` up to date with `src/`. The folder is never emptied, since a server may be running from it: only files
 * that changed are written (none at all while something does not compile), and only those whose source is gone are
 * removed. Prints to stderr alone, so that the output of the command it precedes can be piped.
 *
 * Ends the process when the sources do not compile.
 */
export const build = () => {
  // The compiler trusts its notes of what it has written; without the outcome they are wrong.
  if (!existsSync(join(root, 'dist/main.js'))) rmSync(join(root, 'dist/.tsbuildinfo'), { force: true });
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json'];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
  const bundled = spawnSync(process.execPath, [join(root, 'tools/bundle-packages.mjs')], { stdio: ['ignore', 2, 2] });
  if (bundled.status !== 0) process.exit(1);
  // Handed on with each export, as it is.
  copyFileSync(join(root, 'tools/verify-export.mjs'), join(root, 'dist/audit/verify-export.mjs'));
  removeOrphans(join(root, 'dist'), join(root, 'src'));
  copyPages(join(root, 'src'), join(root, 'dist'));
};

/** What a browser gets goes out as it is written. @type {(src: string, dist: string) => void} */
const copyPages = (src, dist) => {
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(html|css|js)$/.test(file)) continue;
    const [from, to] = [join(src, file), join(dist, file)];
    if (existsSync(to) && readFileSync(to).equals(readFileSync(from))) continue;
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
};

/** @type {(dist: string, src: string) => void} */
const removeOrphans = (dist, src) => {
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (file.startsWith('node_modules')) continue;
    const source = file.replace(/\.js(\.map)?$/, '.ts');
    if (source === file || existsSync(join(src, source)) || existsSync(join(src, file))) continue;
    rmSync(join(dist, file));
  }
};

// With --pages <folder>: only what a browser gets, for the sources that the bench compiles into a folder of its own.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , option, folder] = process.argv;
  if (option === '--pages' && folder !== undefined) copyPages(join(root, 'src'), join(root, folder));
  else build();
}
