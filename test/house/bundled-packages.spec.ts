import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

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
});
