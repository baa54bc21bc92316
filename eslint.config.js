import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { wallsRule } from './tools/walls.mjs';

const specs = ['src/**/*.spec.ts'];
const tests = [...specs, 'test/**'];

const noClock = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Ask the Clock for the time.' },
  { selector: "CallExpression[callee.name='Date']", message: 'Ask the Clock for the time.' },
];
const dateNow = { object: 'Date', property: 'now', message: 'Ask the Clock for the time.' };
const processEnv = { object: 'process', property: 'env', message: 'Only src/config.ts reads the environment.' };

export default defineConfig(
  globalIgnores(['dist/', 'dist-tools/', 'data/', 'coverage/', 'test-output/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { house: { rules: { walls: wallsRule } }, 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/extensions': ['.ts', '.js', '.mjs'],
    },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-param-reassign': 'error',
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-extraneous-dependencies': ['error', { devDependencies: false }],

      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // `{} as Customer` makes an object that lacks what its type promises.
      '@typescript-eslint/consistent-type-assertions': [
        'error',
        { assertionStyle: 'as', objectLiteralTypeAssertions: 'never' },
      ],
      '@typescript-eslint/no-shadow': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Nest's modules are empty classes with a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // A port's method is async; an adapter whose driver is synchronous has nothing to await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      // A test double and Nest's options are object literals; the compiler compares their shape.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Wrong about whatever changes during an await: `signal.aborted`, a field.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // ESLint's own type definitions and the compiler know undefined names better.
      'no-undef': 'off',
    },
  },

  // ---- Walls of the house; test/house/walls.spec.ts proves that each one stands. ----
  {
    files: ['src/**'],
    ignores: specs,
    rules: {
      'house/walls': 'error',
      'no-console': 'error',
      'no-restricted-properties': ['error', processEnv],
      'no-restricted-imports': ['error', { paths: ['process', 'node:process'] }],
    },
  },
  { files: ['src/config.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['src/main.ts', 'src/admin/**'], rules: { 'no-console': 'off' } },
  {
    files: ['src/event-sourcing/**'],
    ignores: [...specs, 'src/event-sourcing/clock.ts'],
    rules: {
      'no-restricted-properties': ['error', processEnv, dateNow],
      'no-restricted-syntax': ['error', ...noClock],
    },
  },
  {
    files: ['src/customers/domain/**'],
    ignores: specs,
    rules: {
      'no-restricted-properties': [
        'error',
        processEnv,
        dateNow,
        { object: 'Math', property: 'random', message: 'Chance is a fact from elsewhere: it arrives in the command.' },
      ],
      'no-restricted-syntax': ['error', ...noClock],
      'no-restricted-globals': ['error', 'process', 'crypto', 'performance', 'fetch', 'setTimeout', 'setInterval'],
    },
  },
  {
    files: ['**/{index,utils,util,common,helpers,helper}.{ts,js,mjs}'],
    rules: {
      'no-restricted-syntax': ['error', { selector: 'Program', message: 'Name the file for the one idea in it.' }],
    },
  },

  {
    files: [...tests, 'bench/**', 'tools/**', '*.js'],
    rules: { 'import-x/no-extraneous-dependencies': 'off', 'max-lines-per-function': 'off' },
  },
  {
    files: tests,
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name=/^(describe|it|test)$/][property.name='only']",
          message: 'A focused test keeps all the others from running.',
        },
      ],
      // Answers arrive as parsed JSON, and an assertion is the check.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  { files: ['tools/**', '*.js', 'test/**/*.{js,mjs}'], extends: [tseslint.configs.disableTypeChecked] },
);
