/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  rootDir: '.',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { swcrc: true }] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  globalSetup: '<rootDir>/test/support/run-setup.js',
  testSequencer: '<rootDir>/test/support/longest-first.js',
  reporters: ['default', '<rootDir>/test/support/not-run-reporter.js'],
  // More than cores: what kills processes and waits for leases leaves them idle half of the time.
  maxWorkers: 3,
  // The long run has bodies that take minutes, and a busy machine takes its time; a test that hangs still ends.
  testTimeout: process.env.TEST_SCALE === 'long' ? 3_600_000 : 90_000,
};
