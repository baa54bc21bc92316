import { SigningRing } from './signing-ring.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
// RFC 8032, 7.1, tests 1 and 2.
const FIRST = {
  id: 'first',
  key: hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'),
};
const SECOND = {
  id: 'second',
  key: hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'),
};
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';

describe('The ring of signing keys', () => {
  it('signs with the first key as RFC 8032 has it', () => {
    const ring = new SigningRing([SECOND, FIRST]);
    expect(Buffer.from(ring.sign(hex('72'))).toString('hex')).toBe(SIGNATURE);
    expect(Buffer.from(ring.publicKey('first')).toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    );
  });

  it('checks what an older key signed, and nothing else', () => {
    const ring = new SigningRing([FIRST, SECOND]);
    expect(ring.verify('second', hex('72'), hex(SIGNATURE))).toBe(true);
    expect(ring.verify('first', hex('72'), hex(SIGNATURE))).toBe(false);
    expect(ring.verify('second', hex('73'), hex(SIGNATURE))).toBe(false);
    expect(ring.verify('third', hex('72'), hex(SIGNATURE))).toBe(false);
  });
});
