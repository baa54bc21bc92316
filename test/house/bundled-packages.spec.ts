import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packagesPatchedSinceBuild } from '../../src/bundled-packages.js';

describe('the packages that the build bundles', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
  const foundBy = (file: string, name: string): string => createRequire(resolve(file)).resolve(name);
  const bundled = (name: string): boolean => foundBy('dist/main.js', name).startsWith(resolve('dist/node_modules'));

  it('are what a start takes, all of the framework: of no package there are two', () => {
    const framework = Object.keys(dependencies).filter((name) => name.startsWith('@nestjs/'));
    expect(framework).toContain('@nestjs/core');
    expect(framework.filter((name) => !bundled(name))).toEqual([]);
  });

  it('are not what must be one in a process, nor the drivers of stores', () => {
    const apart = [
      'reflect-metadata',
      'class-transformer',
      '@opentelemetry/api',
      '@photostructure/sqlite',
      'mongodb',
      '@eventstore/db-client',
    ];
    expect(apart.filter(bundled)).toEqual([]);
    for (const name of apart) expect(foundBy('dist/main.js', name)).toContain(join(resolve('node_modules'), name));
  });

  it('are those that are installed: the build leaves no difference', () => {
    const { files } = JSON.parse(readFileSync('dist/node_modules/.made-from', 'utf8')) as { files: object };
    expect(Object.keys(files).length).toBeGreaterThan(500);
    expect(packagesPatchedSinceBuild(pathToFileURL(`${resolve('.')}/`))).toEqual([]);
  });

  it('are named at a start when an installed one was patched since', () => {
    const root = mkdtempSync(join(tmpdir(), 'bundled-'));
    const file = 'node_modules/@scope/name/index.js';
    try {
      for (const folder of ['node_modules/@scope/name', 'dist/node_modules'])
        mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, file), 'export const a = 1;');
      const { size, mtimeMs } = statSync(join(root, file));
      const sha256 = createHash('sha256').update('export const a = 1;').digest('hex');
      const manifest = { files: { [file]: { size, mtimeMs, sha256 } } };
      writeFileSync(join(root, 'dist/node_modules/.made-from'), JSON.stringify(manifest));
      const found = (): readonly string[] => packagesPatchedSinceBuild(pathToFileURL(`${root}/`));
      expect(found()).toEqual([]);
      utimesSync(join(root, file), 1, 1);
      expect(found()).toEqual([]);
      writeFileSync(join(root, file), 'export const a = 2;');
      expect(found()).toEqual(['@scope/name']);
      rmSync(join(root, 'node_modules'), { recursive: true });
      expect(found()).toEqual([]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
