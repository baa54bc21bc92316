// Prints `N passed, N failed` from Jest's report; fails when a test failed, when none ran, or when there is no report.
// A test file that could not even be loaded counts as one failed test.
import { readFileSync } from 'node:fs';

const report = (() => {
  try {
    return JSON.parse(readFileSync(new URL('../test-output/jest.json', import.meta.url), 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0, success: false };
  }
})();

const passed = report.numPassedTests;
const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = report.success && passed > 0 && failed === 0 ? 0 : 1;
