import fc from 'fast-check';
import { seed } from '../../test/support/seed.js';
import { isKept } from './json-numbers.js';

describe('a number in JSON', () => {
  it.each([
    '0', '-0', '0.0', '0e999', '1', '-1', '1.0', '1.50', '100', '1e2', '1E+2', '1e-2', '0.1', '19.99', '19.989999999999998',
    '0.10000000000000001', '0.1000000000000000055511151231257827', '9007199254740991', '9007199254740992', '1e20', '1e300',
    '1524831183200260000', '1.7976931348623157e308', '5e-324', '123456789012345.0000000000000000000000',
  ])('written as %s is kept', (token) => {
    expect(isKept(token)).toBe(true);
  }); // prettier-ignore

  it.each([
    '1524831183200260097', '-1524831183200260097', '9007199254740993', '1.00000000000000000001', '3.141592653589793238',
    '12345678.123456789012', '1e400', '-1e400', '1e-400', '0.12345678901234567890', '1e99999999999999999999',
    '1e-99999999999999999999', '90071992547409930e-1', `0.${'3'.repeat(101)}`, `1${'0'.repeat(400)}`,
  ])('written as %s is another one to a double, and is not', (token) => {
    expect(isKept(token)).toBe(false);
  }); // prettier-ignore

  it('is kept as every double is printed, at any number of digits from 17', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 17, max: 60 }), (x, n) => {
        expect(isKept(JSON.stringify(x))).toBe(true);
        expect(isKept(x.toPrecision(n))).toBe(true);
        expect(isKept(x.toExponential())).toBe(true);
      }),
      { seed: seed(), numRuns: 2_000 },
    );
  });

  it('is kept when it is an integer up to 2^53', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (integer) => {
        expect(isKept(String(integer))).toBe(true);
      }),
      { seed: seed() },
    );
  });
});
