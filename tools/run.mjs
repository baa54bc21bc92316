// node tools/run.mjs [--built] <entry in dist> [arguments]
//
// Builds, then runs the entry in this very process, so that a signal to it (or to npm, which passes signals on) reaches
// the service, and its exit code is the command's. With --built it builds only when there is no such entry yet: a command
// beside a running server leaves the server's files alone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, root } from './build.mjs';

const built = process.argv[2] === '--built';
const [entry = 'main.js', ...args] = process.argv.slice(built ? 3 : 2);
const file = join(root, 'dist', entry);

if (!built || !existsSync(file)) build();

process.setSourceMapsEnabled(true);
process.argv = [process.execPath, file, ...args];
await import(pathToFileURL(file).href);
