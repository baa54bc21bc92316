import { ESLint } from 'eslint';
import { configs } from 'typescript-eslint';

/** Breaches are planted as texts under the path of a file that need not exist; nothing is written. */
const breaches: readonly [says: string, rule: string, file: string, text: string][] = [
  ['the domain imports no other folder', 'house/walls', 'src/customers/domain/x.ts', `import '../streams.js';`],
  [
    'the domain does not import the kernel',
    'house/walls',
    'src/customers/domain/x.ts',
    `import '../../event-sourcing/clock.js';`,
  ],
  ['not even its types', 'house/walls', 'src/customers/domain/x.ts', `import type { A } from '../dto/a.js';`],
  ['nor does it hand on what is elsewhere', 'house/walls', 'src/customers/domain/x.ts', `export * from '../dto/a.js';`],
  ['nor load it later', 'house/walls', 'src/customers/domain/x.ts', `export const a = import('../dto/a.js');`],
  ['the domain imports no module of Node', 'house/walls', 'src/customers/domain/x.ts', `import 'node:crypto';`],
  ['the domain imports no framework', 'house/walls', 'src/customers/domain/x.ts', `import '@nestjs/common';`],
  ['the domain has no clock', 'no-restricted-properties', 'src/customers/domain/x.ts', `export const a = Date.now();`],
  ['nor a clock by another name', 'no-restricted-syntax', 'src/customers/domain/x.ts', `export const a = new Date();`],
  ['nor a third', 'no-restricted-globals', 'src/customers/domain/x.ts', `export const a = performance.now();`],
  [
    'the domain has no chance',
    'no-restricted-properties',
    'src/customers/domain/x.ts',
    `export const a = Math.random();`,
  ],
  [
    'nor chance by another name',
    'no-restricted-globals',
    'src/customers/domain/x.ts',
    `export const a = crypto.randomUUID();`,
  ],
  [
    'the domain has no environment',
    'no-restricted-properties',
    'src/customers/domain/x.ts',
    `export const a = process.env;`,
  ],

  ['the kernel knows no customer', 'house/walls', 'src/event-sourcing/x.ts', `import '../customers/streams.js';`],
  ['the kernel knows no keys', 'house/walls', 'src/event-sourcing/x.ts', `import '../privacy/sealed.js';`],
  ['the kernel knows no callers', 'house/walls', 'src/event-sourcing/x.ts', `import '../access/scopes.js';`],
  ['the kernel knows no settings', 'house/walls', 'src/event-sourcing/x.ts', `import '../config.js';`],
  ['the kernel asks the Clock', 'no-restricted-properties', 'src/event-sourcing/x.ts', `export const a = Date.now();`],
  ['and nobody else', 'no-restricted-syntax', 'src/event-sourcing/x.ts', `export const a = Date();`],

  ['only stores talk to a database driver', 'house/walls', 'src/privacy/x.ts', `import '@photostructure/sqlite';`],
  ['only stores talk to MongoDB', 'house/walls', 'src/admin/x.ts', `import 'mongodb';`],
  ['only stores talk to EventStoreDB', 'house/walls', 'src/app.module.ts', `import '@eventstore/db-client';`],
  ['not into its depths either', 'house/walls', 'src/audit/x.ts', `import '@eventstore/db-client/generated/x.js';`],
  ['only metrics count', 'house/walls', 'src/customers/x.ts', `import 'prom-client';`],
  ['and trace', 'house/walls', 'src/event-sourcing/x.ts', `import '@opentelemetry/api';`],
  ['only adapters.ts picks stores', 'house/walls', 'src/customers/x.ts', `import '../stores/sqlite/log.js';`],
  ['what takes them does not', 'house/walls', 'src/app.module.ts', `import './stores/sqlite/log.js';`],
  [
    'no other file may read the environment',
    'no-restricted-properties',
    'src/main.ts',
    `export const a = process.env;`,
  ],
  ['nor import it', 'no-restricted-imports', 'src/http/x.ts', `import { env } from 'node:process';`],
  ['the service does not print', 'no-console', 'src/http/x.ts', `console.log('here');`],
  ['the service does without its tests', 'house/walls', 'src/http/x.ts', `import '../../test/support/seed.js';`],
  [
    'and without packages for development',
    'import-x/no-extraneous-dependencies',
    'src/http/x.ts',
    `import 'fast-check';`,
  ],

  [
    'imports go forward, never in circles',
    'import-x/no-cycle',
    'test/house/fixtures/cycle-b.ts',
    `import './cycle-a.js';`,
  ],
  ['no barrels', 'no-restricted-syntax', 'src/http/index.ts', `export const a = 1;`],
  ['no drawers without a label', 'no-restricted-syntax', 'src/http/utils.ts', `export const a = 1;`],
  ['files stay short', 'max-lines', 'src/http/x.ts', 'export {};\n'.repeat(251)],
  [
    'functions stay short',
    'max-lines-per-function',
    'src/http/x.ts',
    `export const a = () => {\n${'a();\n'.repeat(60)}};`,
  ],
  ['no test is focused', 'no-restricted-syntax', 'src/http/x.spec.ts', `it.only('runs alone', () => undefined);`],
];

/** What the walls let through: a rule that refused everything would prove nothing above. */
const allowed: readonly [says: string, file: string, text: string][] = [
  ['the domain imports its own folder', 'src/customers/domain/x.ts', `import './events.js';`],
  ['the domain reads a time it was given', 'src/customers/domain/x.ts', `export const a = new Date(0);`],
  ['the kernel imports packages', 'src/event-sourcing/x.ts', `import 'node:timers/promises';`],
  ['the Clock is the clock', 'src/event-sourcing/clock.ts', `export const a = Date.now();`],
  ['a store imports its driver', 'src/stores/sqlite/x.ts', `import '@photostructure/sqlite';`],
  ['metrics count and trace', 'src/metrics/x.ts', `import 'prom-client'; import '@opentelemetry/api';`],
  ['what picks adapters imports stores', 'src/adapters.ts', `import './stores/sqlite/log.js';`],
  ['so does the command line', 'src/admin/x.ts', `import '../stores/sqlite/log.js';`],
  ['the command line prints', 'src/admin/x.ts', `console.log('done');`],
  ['the configuration reads the environment', 'src/config.ts', `export const a = process.env;`],
  ['a spec imports what it needs', 'src/customers/domain/x.spec.ts', `import 'fast-check'; import '../streams.js';`],
];

/** Rules that need types see real files only: the text stands in for this one. */
const typed: readonly [says: string, rule: string, text: string][] = [
  ['a promise is waited for', '@typescript-eslint/no-floating-promises', `Promise.resolve(1);`],
  ['`any` has no place', '@typescript-eslint/no-explicit-any', `export const a = (b: any): number => Number(b);`],
  [
    'nothing is said to be there',
    '@typescript-eslint/no-non-null-assertion',
    `export const a = (b?: string) => b!.length;`,
  ],
  [
    'a switch names every case',
    '@typescript-eslint/switch-exhaustiveness-check',
    `export const a = (b: 'x' | 'y') => { switch (b) { case 'x': return 1; default: return 2; } };`,
  ],
];

describe('the walls of the house', () => {
  const untyped = new ESLint({ overrideConfig: configs.disableTypeChecked as ESLint.Options['overrideConfig'] });
  const complete = new ESLint();
  const broken = async (eslint: ESLint, filePath: string, text: string): Promise<(string | null)[]> => {
    const results = await eslint.lintText(text, { filePath });
    return results.flatMap(({ messages }) => messages.filter((m) => m.severity === 2).map((m) => m.ruleId));
  };

  it.each(breaches)('%s: %s', async (_says, rule, file, text) => {
    expect(await broken(untyped, file, text)).toContain(rule);
  });

  it.each(allowed)('lets through that %s', async (_says, file, text) => {
    expect(await broken(untyped, file, text)).toEqual([]);
  });

  it.each(typed)('%s: %s', async (_says, rule, text) => {
    expect(await broken(complete, 'src/access/scopes.ts', text)).toContain(rule);
  });
});
