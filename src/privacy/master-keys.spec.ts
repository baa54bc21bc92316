import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { scale } from '../../test/support/scale.js';
import { seed } from '../../test/support/seed.js';
import { fingerprintOf, MasterKeyRefused, MasterKeys, MasterKeyUnknown, WrappedKeyBroken } from './master-keys.js';
import type { KeyPurpose } from './subject-keys.js';

const old = { id: 'old', key: randomBytes(32) };
const active = { id: 'active', key: randomBytes(32) };
const ref = { subject: '5823594808', revision: 1 };

const purpose: fc.Arbitrary<KeyPurpose> = fc.oneof(
  fc.record({ secret: fc.constantFrom('a', 'b', 'subject-key', '') }),
  fc.record({
    subject: fc.constantFrom('a', 'b', 'a","1', 'service-secret', ''),
    revision: fc.integer({ min: 1, max: 3 }),
  }),
);

describe('Master keys', () => {
  const masterKeys = new MasterKeys([active]);
  const key = randomBytes(32);

  it('unwrap what they wrapped, and name the key that did it', () => {
    const wrapped = masterKeys.wrap(ref, key);
    expect(masterKeys.unwrap(ref, wrapped)).toEqual(key);
    expect(wrapped).toMatchObject({ masterKeyId: 'active', fingerprint: fingerprintOf(key) });
    expect(Buffer.from(wrapped.wrapped).includes(key)).toBe(false);
  });

  it('do not open a wrapped key for any other purpose', () => {
    fc.assert(
      fc.property(purpose, purpose, (from, to) => {
        const unwrap = (): Uint8Array => masterKeys.unwrap(to, masterKeys.wrap(from, key));
        if (JSON.stringify(from) === JSON.stringify(to)) expect(unwrap()).toEqual(key);
        else expect(unwrap).toThrow(WrappedKeyBroken);
      }),
      { numRuns: scale(2_000, 50_000), seed: seed() },
    );
  });

  it('refuse a wrapped key with any one bit flipped', () => {
    const row = masterKeys.wrap(ref, key);
    for (let bit = 0; bit < row.wrapped.length * 8; bit += 1) {
      const flipped = Uint8Array.from(row.wrapped, (byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(() => masterKeys.unwrap(ref, { ...row, wrapped: flipped })).toThrow(WrappedKeyBroken);
    }
  });

  it.each([0, 12, 28, 59, 61])('refuse a wrapped key of %i bytes', (length) => {
    const row = masterKeys.wrap(ref, key);
    const wrapped = Buffer.concat([row.wrapped, Buffer.alloc(1)]).subarray(0, length);
    expect(() => masterKeys.unwrap(ref, { ...row, wrapped })).toThrow(WrappedKeyBroken);
  });

  it('refuse a key that is not the one of the fingerprint', () => {
    const row = { ...masterKeys.wrap(ref, key), fingerprint: fingerprintOf(randomBytes(32)) };
    expect(() => masterKeys.unwrap(ref, row)).toThrow(WrappedKeyBroken);
  });

  it('unwrap with an older key, and wrap with the first', () => {
    const both = new MasterKeys([active, old]);
    expect(both.unwrap(ref, new MasterKeys([old]).wrap(ref, key))).toEqual(key);
    expect(both.wrap(ref, key).masterKeyId).toBe('active');
  });

  it('name the key that is not at hand', () => {
    const row = new MasterKeys([old]).wrap(ref, key);
    expect(() => masterKeys.unwrap(ref, row)).toThrow(MasterKeyUnknown);
    expect(() => masterKeys.unwrap(ref, row)).toThrow("master key 'old', which is not configured");
  });

  it('tell an id that names other bytes than before', () => {
    const row = new MasterKeys([{ id: 'active', key: randomBytes(32) }]).wrap(ref, key);
    expect(() => masterKeys.unwrap(ref, row)).toThrow(WrappedKeyBroken);
  });

  it.each([
    ['none', []],
    ['one of 31 bytes', [{ id: 'a', key: randomBytes(31) }]],
    ['one of 33 bytes', [{ id: 'a', key: randomBytes(33) }]],
    ['one without an id', [{ id: '', key: randomBytes(32) }]],
    ['two of one id', [active, { ...old, id: 'active' }]],
  ])('can not be %s', (_, keys) => {
    expect(() => new MasterKeys(keys)).toThrow(MasterKeyRefused);
  });
});
