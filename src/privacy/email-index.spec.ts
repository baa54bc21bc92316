import { createHmac, randomBytes } from 'node:crypto';
import { emailIndex, emailIndexes } from './email-index.js';

const secret = randomBytes(32);

describe('The e-mail index', () => {
  it('is HMAC-SHA-256 of the address, base64url', () => {
    const expected = createHmac('sha256', secret).update('ada@example.com').digest('base64url');
    expect(emailIndex(secret, 'ada@example.com')).toBe(expected);
  });

  it.each([
    ['case', 'Ada@Example.COM', 'ada@example.com'],
    ['outer white space', ' \tada@example.com\u00a0\n', 'ada@example.com'],
    ['composition', 'jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['case and composition', 'JOSE\u0301@example.com', 'jos\u00e9@example.com'],
    ['a capital that has no composed form', 'J\u030c@example.com', '\u01f0@example.com'],
  ])('is the same for addresses that differ in %s', (_, one, other) => {
    expect(emailIndex(secret, one)).toBe(emailIndex(secret, other));
  });

  it('takes I and i for one letter in every locale', () => {
    expect(emailIndex(secret, 'INFO@example.com')).toBe(emailIndex(secret, 'info@example.com'));
  });

  it.each(['ada@example.co', 'ad.a@example.com', 'ada+1@example.com', 'ada @example.com', 'ädä@example.com'])(
    'tells %s from ada@example.com',
    (other) => {
      expect(emailIndex(secret, other)).not.toBe(emailIndex(secret, 'ada@example.com'));
    },
  );

  it('is another under another secret', () => {
    expect(emailIndex(randomBytes(32), 'ada@example.com')).not.toBe(emailIndex(secret, 'ada@example.com'));
  });

  it.each([
    ['a final sigma', 'ΝΙΚΟΣ@example.gr', 'νικος@example.gr'],
    ['a sigma that is not final', 'νικοσ@example.gr', 'νικος@example.gr'],
    ['a sigma before a dot', 'ΝΙΚΟΣ.ΓΕΩΡΓΙΟΥ@example.gr', 'νικοσ.γεωργιου@example.gr'],
    ['the capital sharp s', 'STRAẞE@example.de', 'straße@example.de'],
    ['the Kelvin sign', '\u212aelvin@example.com', 'kelvin@example.com'],
    ['the Angstrom sign', '\u212bngstrom@example.com', 'ångstrom@example.com'],
    ['the micro sign', '\u00b5@example.com', '\u039c@example.com'],
    ['the long s', 'pa\u017fs@example.com', 'PASS@example.com'],
    ['the dotted capital I', 'İstanbul@example.com', 'i\u0307stanbul@example.com'],
    ['symbols of Greek letters', '\u03d0\u03d1\u03d5@example.gr', 'βθφ@example.gr'],
    ['letters beyond the first plane', '\u{10400}@example.com', '\u{10428}@example.com'],
  ])('is the same for addresses that differ in %s', (_, one, other) => {
    expect(emailIndex(secret, one)).toBe(emailIndex(secret, other));
  });

  it.each([
    ['ß and ss', 'straße@example.de', 'strasse@example.de'],
    ['ı and i', 'ışık@example.com', 'işik@example.com'],
    ['a ligature and its letters', '\ufb01@example.com', 'fi@example.com'],
  ])('tells %s apart', (_, one, other) => {
    expect(emailIndex(secret, one)).not.toBe(emailIndex(secret, other));
  });

  it('is the same for any two characters that differ in case alone, by the tables of Unicode', () => {
    const different: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const char = String.fromCodePoint(code);
      const others = new Set([char.toLowerCase(), char.toUpperCase()]);
      others.delete(char);
      for (const other of others) {
        // As regular expressions compare that ignore case: Unicode's simple case folding.
        const isPair = Array.from(other).length === 1 && new RegExp(`^${char}$`, 'iu').test(other);
        if (isPair && emailIndex(secret, `${char}x@a.bc`) !== emailIndex(secret, `${other}x@a.bc`))
          different.push(char);
      }
    }
    expect(different).toEqual([]);
  });

  /** What releases before case folding made of an address. */
  const formerIndex = (email: string): string =>
    createHmac('sha256', secret)
      .update(email.trim().normalize('NFC').toLowerCase().normalize('NFC'))
      .digest('base64url');

  it.each([
    'Ada@Example.COM',
    'jos\u00e9@example.com',
    'Straße@example.de',
    'жанна@пример.рф',
    '花子@example.jp',
    'Ï@example.com',
  ])('is what it was before case folding for nearly every address, and one alone: %s', (email) => {
    expect(emailIndexes(secret, email)).toEqual([formerIndex(email)]);
    expect(emailIndex(secret, email)).toBe(formerIndex(email));
  });

  it.each([
    ['νικος@example.gr', 'ΝΙΚΟΣ@example.gr'],
    ['ΝΙΚΟΣ@example.gr', 'νικοσ@example.gr'],
    ['ΝΙΚΟΣ@example.gr', 'νικος@example.gr'],
    ['νικοσ@example.gr', 'ΝΙΚΟΣ@example.gr'],
    ['\u00b5@example.com', '\u00b5@EXAMPLE.com'],
    ['pa\u017fs@example.com', 'pa\u017fs@example.com'],
  ])('of %s, as a view of before holds it, is among those that are looked for with %s', (stored, wanted) => {
    expect(emailIndexes(secret, wanted)).toContain(formerIndex(stored));
    expect(emailIndexes(secret, wanted)[0]).toBe(emailIndex(secret, stored));
  });
});
