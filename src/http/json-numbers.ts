/** Longer ones are refused unseen: `toPrecision` goes no further. */
const MOST_DIGITS = 100;
/** A number with so few characters has at most 15 digits: a double keeps every one of them. */
const ALWAYS_KEPT = 15;

/**
 * Whether the double that `JSON.parse` makes of a number is that number, to every digit that was written:
 * `1524831183200260097`, `1.00000000000000000001` and `1e-400` are not; `0.1` is, and so is `0.10000000000000001`,
 * which is the same double written with 17 digits. What is too large for a double is not, either.
 */
export function isKept(token: string): boolean {
  if (token.length <= ALWAYS_KEPT && !/[eE]/.test(token)) return true;
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  const sent = decimalOf(token);
  if (sent.digits === '') return true;
  if (value === 0 || sent.digits.length > MOST_DIGITS) return false;
  // Half-way between two decimals, the shortest form and the one of so many digits are rounded to different sides.
  return [String(value), value.toPrecision(sent.digits.length)].map(decimalOf).some((kept) => sameDecimal(sent, kept));
}

interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

const sameDecimal = (a: Decimal, b: Decimal): boolean => a.digits === b.digits && a.exponent === b.exponent;

/** `0.digits` times ten to the exponent, without the zeros at either end. */
function decimalOf(token: string): Decimal {
  const [mantissa = '', exponent = '0'] = token.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '');
  const leading = all.length - digits.length;
  return { digits: digits.replace(/0+$/, ''), exponent: whole.length - leading + Number(exponent) };
}
