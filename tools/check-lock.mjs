// The lock file must not name a registry: it would send everyone who installs to wherever it was made.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const named = Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined);

for (const [path, { resolved }] of named) console.error(`package-lock.json: ${path} is resolved to ${resolved}`);
if (named.length > 0) console.error('Keep omit-lockfile-registry-resolved in .npmrc and run: npm install');
process.exitCode = named.length > 0 ? 1 : 0;
