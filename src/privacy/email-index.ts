import { createHmac } from 'node:crypto';

/**
 * Keyed hash by which an e-mail address is found without being kept: HMAC-SHA-256, base64url. Addresses that differ
 * only in case, in outer white space or in how Unicode composes them have the same one.
 */
export const emailIndex = (secret: Uint8Array, email: string): string => hashOf(secret, folded(email));

/**
 * All hashes under which a view may hold the address: the current one first, then those of releases without case folding.
 * They differ for a few letters only (final sigma, long s, micro sign); a rebuild replaces the old ones.
 */
export function emailIndexes(secret: Uint8Array, email: string): readonly [string, ...string[]] {
  const own = folded(email);
  // As sent, and with final sigmas where Greek orthography has them, which is how most were stored.
  const before = [lowered(email), lowered(own.replaceAll('σ', 'Σ'))].filter((form) => form !== own);
  return [hashOf(secret, own), ...[...new Set(before)].map((form) => hashOf(secret, form))];
}

const hashOf = (secret: Uint8Array, form: string): string =>
  createHmac('sha256', secret).update(form).digest('base64url');

/** Not by locale: the hash is kept. Lower case can take a character's composition apart, hence NFC once more. */
const lowered = (email: string): string => email.trim().normalize('NFC').toLowerCase().normalize('NFC');

/** Nearly every address is plain ASCII, or in letters of one lower case: folding leaves it, and so its hash, as it was. */
function folded(email: string): string {
  const lower = lowered(email);
  return /^[\x20-\x7e]*$/.test(lower) ? lower : Array.from(lower, foldedLetter).join('').normalize('NFC');
}

/**
 * Unicode's simple case folding (CaseFolding.txt, C and S): of the lower-case letters with one capital all are the same one,
 * `σ` and `ς`, `s` and `ſ`. Where the capital of a letter is two, it stays itself: `ß` is no `ss`. Nor is `ı` an `i`, whose
 * capital is the same in all languages but those that have it.
 */
function foldedLetter(letter: string): string {
  const upper = letter.toUpperCase();
  const lower = upper.toLowerCase();
  return letter === 'ı' || Array.from(upper).length !== 1 || Array.from(lower).length !== 1 ? letter : lower;
}
