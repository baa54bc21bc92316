import { createHmac, randomBytes } from 'node:crypto';
import { emailIndex } from './email-index.js';

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
});
