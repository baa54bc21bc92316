import fc from 'fast-check';
import { seed } from '../../../test/support/seed.js';
import { EMAIL_PATTERN, isEmailAddress } from './email-address.js';

const label = (length: number): string => 'a'.repeat(length);
/** Of so many octets in all. */
const ofLength = (octets: number): string => {
  const domain = `${label(63)}.${label(63)}.${label(octets - 64 - 1 - 128 - 4)}.com`;
  return `${label(64)}@${domain}`;
};

describe('an e-mail address', () => {
  it.each([
    'jane@example.com', 'JANE.DOE@EXAMPLE.COM', 'jane+tag@example.com', "o'hara@example.com", '1@example.com', 'a@xy.cc',
    "!#$%&'*+-/=?^_`{|}~@example.org", 'a.b.c.d@example.org', 'xn--test@example.org', 'jane@sub.sub.example.co.uk',
    'jane@123.com', 'jane@g--a.com', 'jane@a-b.com', 'jane@example.museum', 'jane@example.photography', 'jane@example.XN--P1AI',
    'jane@xn--bcher-kva.example', 'jane@xn--hxajbheg2az3al.xn--jxalpdlp', `${label(64)}@example.org`,
    `jane@${label(63)}.org`, ofLength(254),
    '"jane"@example.org', '""@example.org', '"jane doe"@example.org', '"jane@home"@example.org', '"a..b"@example.org',
    '"a\\"b"@example.org', '"a\\\\"@example.org', '"(no comment)"@example.org', '".jane."@example.org',
    'jane@bücher.example', 'jane@BÜCHER.example', 'jane@例え.テスト', 'jane@пример.рф', 'jane@παράδειγμα.δοκιμή', 'jane@דוגמה.בדיקה',
    'josé@example.com', 'жанна@example.com', '花子@example.jp', 'νίκος@example.gr', 'straße@example.de',
  ])('can be %s', (text) => {
    expect(isEmailAddress(text)).toBe(true);
    expect(text).toMatch(new RegExp(EMAIL_PATTERN, 'u'));
  }); // prettier-ignore

  it.each([
    '', 'jane', '@', '@example.com', 'jane@', 'jane@@example.com', 'jane@doe@example.com', 'jane@example', 'jane@localhost',
    '.jane@example.com', 'jane.@example.com', 'ja..ne@example.com', 'jane@.example.com', 'jane@example.com.', 'jane@example..com',
    'jane@-example.com', 'jane@example-.com', 'jane@example.c', 'jane@example.123', 'jane@exa_mple.com', 'jane@exa mple.com',
    'jane@127.0.0.1', 'jane@[127.0.0.1]', 'jane@[IPv6:::1]', 'jane@[127.0.0.1', 'jane@127.0.0.1]',
    'jane doe@example.com', ' jane@example.com', 'jane@example.com ', 'jane @example.com', 'jane@ example.com',
    '(comment)jane@example.com', 'jane(comment)@example.com', 'jane@(comment)example.com', 'jane@example.com(comment)',
    'jane@example(comment).com', '"jane"(comment)@example.com',
    'ja"ne@example.com', '"jane@example.com', 'jane"@example.com', '"jane"doe@example.com', '"ja"ne"@example.com',
    '"jane\\"@example.com', 'jane."doe"@example.com', '"jane".doe@example.com', 'ja\\ne@example.com',
    'ja,ne@example.com', 'ja;ne@example.com', 'ja:ne@example.com', 'ja<ne@example.com', 'Jane <jane@example.com>',
    '<jane@example.com>', 'mailto:jane@example.com', 'jane@example.com,doe@example.com', 'jane@example.com?subject=x',
    `${label(65)}@example.org`, `jane@${label(64)}.org`, `jane@${'ü'.repeat(60)}.org`, ofLength(255),
    `${'é'.repeat(33)}@example.org`, `jane@${Array.from({ length: 5 }, () => 'ü'.repeat(26)).join('.')}.org`,
    'jane@mail.example\u3002com', 'jane@mail.example\uff0ecom', 'jane@１２.com', 'jane@\u05d0a.com',
  ])('can not be %j', (text) => {
    expect(isEmailAddress(text)).toBe(false);
  }); // prettier-ignore

  it.each([
    ['line breaks', '"x\r\nBcc: a@example.com"@example.org'],
    ['a line feed', '"\n"@iana.org'],
    ['a quoted carriage return', '"\\\r"@iana.org'],
    ['a control character', '"\u0001"@iana.org'],
    ['a quoted NUL', '"\\\u0000"@iana.org'],
    ['a tab', '"a\tb"@iana.org'],
    ['a delete', '"\u007f"@iana.org'],
    ['a C1 control', 'ja\u0085ne@iana.org'],
    ['folded white space', 'jane@iana.org\r\n '],
    ['a zero-width space', 'jane@exam\u200bple.com'],
    ['a zero-width joiner', 'jane@exam\u200dple.com'],
    ['a left-to-right mark', 'jane\u200e@example.com'],
    ['an override of direction', 'jane@exam\u202eple.com'],
    ['an isolate', 'ja\u2066ne@example.com'],
    ['a byte order mark', 'jane@\ufeffexample.com'],
    ['a soft hyphen', 'jane@exam\u00adple.com'],
    ['a variation selector', 'jane\ufe0f@example.com'],
    ['a filler', 'ja\u3164ne@example.com'],
    ['a grapheme joiner', 'ja\u034fne@example.com'],
    ['a tag', 'jane\u{e0041}@example.com'],
    ['a no-break space', '"ja\u00a0ne"@example.com'],
    ['a line separator', 'ja\u2028ne@example.com'],
    ['an ideographic space', '"ja\u3000ne"@example.com'],
    ['a private character', 'ja\ue000ne@example.com'],
    ['one that is not assigned', 'ja\u0378ne@example.com'],
    ['no character', 'ja\uffffne@example.com'],
    ['half a character', 'ja\ud800ne@example.com'],
  ])('holds no %s', (_, text) => {
    expect(isEmailAddress(text)).toBe(false);
  });

  it('holds no character that is not seen, wherever it stands', () => {
    const unseen = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code)).filter((char) =>
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(char),
    );
    const place = fc.nat({ max: 20 });
    fc.assert(
      fc.property(fc.constantFrom(...unseen), place, fc.constantFrom('"jane doe"@example.org', 'jané@bücher.example'), (char, at, text) => {
        expect(isEmailAddress(text.slice(0, at) + char + text.slice(at))).toBe(false);
      }),
      { seed: seed(), numRuns: 1_000 },
    );
  }); // prettier-ignore
});
