import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of these, too, a start loads hundreds of files; the framework's own packages are taken from package.json. */
const ALSO = ['class-validator', 'ipaddr.js', 'jose', 'pino', 'prom-client', 'rate-limiter-flexible'];

/** What must be one in a process whoever loads it, or by whichever name; what finds files beside it; what is not installed. */
const LEFT_OUT = [
  /^class-transformer/,
  'reflect-metadata',
  /^@opentelemetry\//,
  /^@fastify\/(multipart|static|view)$/,
  'swagger-ui-dist',
  /^@nestjs\/(axios|microservices|mongoose|platform-express|sequelize|typeorm|websockets)/,
];

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'dist/node_modules');
const stamp = join(target, '.made-from');

/**
 * Puts the packages that a start loads from some 2,000 files into a few, in `dist/node_modules`: there the service finds
 * them first, and everything else where it was installed. Without it the service is the same and starts slower; so it is
 * left out, with a word, where the bundler does not run (ADR 12).
 */
const bundlePackages = async () => {
  const versions = versionsOf();
  if (isCurrent(versions)) return;
  rmSync(target, { recursive: true, force: true });
  const bundler = await import('rolldown').catch(() => undefined);
  if (bundler === undefined) {
    console.error('The packages are not bundled, since the bundler does not run here: a start takes longer');
    return;
  }
  const names = packages();
  const bundle = await bundler.rolldown({
    cwd: root,
    platform: 'node',
    external: LEFT_OUT,
    input: Object.fromEntries(names.map((name) => [`${name}/index`, ENTRY + name])),
    plugins: [entries(await exportsOf(names))],
    // A package looks for others that it can do without.
    onLog: (level, log, handle) => (log.code === 'UNRESOLVED_IMPORT' ? undefined : handle(level, log)),
  });
  // Beside its place, and then moved there whole: half of it would be worse than none.
  const dir = `${target}.${process.pid}`;
  const { output } = await bundle.write({
    dir,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '.chunks/[name]-[hash].js',
  });
  await bundle.close();
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  for (const name of names) {
    writeFileSync(join(dir, name, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }));
  }
  writeFileSync(join(dir, '.made-from'), JSON.stringify({ versions, files: installedFiles(output) }));
  renameSync(dir, target);
};

/** @type {(versions: string) => boolean} whether the bundle is of these versions, and of the files that are installed now */
const isCurrent = (versions) => {
  if (!existsSync(stamp)) return false;
  try {
    const made = JSON.parse(readFileSync(stamp, 'utf8'));
    return made.versions === versions && Object.entries(made.files).every(([file, was]) => isSame(file, was));
  } catch {
    return false;
  }
};

/** @type {(file: string, was: { size: number, mtimeMs: number, sha256: string }) => boolean} */
const isSame = (file, was) => {
  const path = join(root, file);
  const now = statSync(path, { throwIfNoEntry: false });
  return now?.size === was.size && (now.mtimeMs === was.mtimeMs || sha256(path) === was.sha256);
};

/**
 * What went into the bundle, as it was then: a start compares, and says so when an installed package was patched since
 * (`src/bundled-packages.ts`).
 * @type {(output: readonly (import('rolldown').OutputChunk | import('rolldown').OutputAsset)[]) => object}
 */
const installedFiles = (output) => {
  const files = new Set(output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : [])));
  const installed = [...files].filter((file) => file.startsWith(join(root, 'node_modules') + sep) && existsSync(file));
  return Object.fromEntries(
    installed.sort().map((file) => {
      const { size, mtimeMs } = statSync(file);
      return [relative(root, file).split(sep).join('/'), { size, mtimeMs, sha256: sha256(file) }];
    }),
  );
};

/** @type {(file: string) => string} */
const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

const packages = () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return [...Object.keys(dependencies).filter((name) => name.startsWith('@nestjs/')), ...ALSO];
};

/** Other after each installation of another version, and when this file changes. */
const versionsOf = () => {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', 'tools/bundle-packages.mjs']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
};

const ENTRY = '\0entry:';

/**
 * What was written for `require` has no list of its exports that a bundler could read: each is named, as found by loading.
 * @type {(exported: ReadonlyMap<string, readonly string[]>) => import('rolldown').Plugin}
 */
const entries = (exported) => ({
  name: 'entries',
  resolveId(id, importer) {
    if (id.startsWith(ENTRY)) return id;
    return importer?.startsWith(ENTRY) ? this.resolve(id, join(root, 'package.json'), { skipSelf: true }) : undefined;
  },
  load(id) {
    const name = id.startsWith(ENTRY) ? id.slice(ENTRY.length) : undefined;
    return name && `export { ${(exported.get(name) ?? []).join(', ')} } from '${name}';`;
  },
});

/** @type {(names: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>} */
const exportsOf = async (names) => {
  const exported = new Map();
  for (const name of names) exported.set(name, Object.keys(await import(name)));
  return exported;
};

await bundlePackages();
