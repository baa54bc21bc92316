import { createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { scale } from '../../test/support/scale.js';
import { seed } from '../../test/support/seed.js';
import type { Json } from '../event-sourcing/event-store.js';
import { NotJson } from '../event-sourcing/event-store.js';
import type { SubjectKey } from './key-ring.js';
import { open, seal, SealBroken } from './sealing.js';
import type { Sealed } from './sealed.js';

const newKey = (): SubjectKey => ({ secret: createSecretKey(randomBytes(32)) });
const ref = { subject: '5823594808', revision: 1 };

const opens = (...asked: Parameters<typeof open>): boolean => {
  try {
    open(...asked);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(SealBroken);
    return false;
  }
};

const place = fc.record({
  // Few and awkward, so that neighbours which only differ in where one part ends come up often.
  subject: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('a', 'ab', 'a"', 'a","b', '1', '11')),
  field: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('a', 'b', 'ab', '"b', 'email', '1', '11')),
  revision: fc.integer({ min: 1, max: 12 }),
});
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const trials = () => ({ numRuns: scale(2_000, 50_000), seed: seed() });

describe('A sealed value', () => {
  const key = newKey();

  it('opens as what it was, whatever JSON it is', () => {
    fc.assert(
      fc.property(json, place, (value, { field, ...where }) => {
        expect(open(key, where, field, seal(key, where, field, value))).toEqual(value);
      }),
      trials(),
    );
  });

  it.each([
    'lone \ud800 surrogate',
    '💶 ﬁ é é \u0000 \u2028',
    '',
    { '': '', ['__proto__']: 1 },
    [[]],
    null,
    false,
    1e21,
  ])('keeps awkward values: case %#', (value) => {
    expect(JSON.stringify(open(key, ref, 'f', seal(key, ref, 'f', value)))).toBe(JSON.stringify(value));
  });

  it('does not open for another customer, field or revision, under the same key', () => {
    fc.assert(
      fc.property(place, place, (from, to) => {
        const same = from.subject === to.subject && from.field === to.field && from.revision === to.revision;
        expect(opens(key, to, to.field, seal(key, from, from.field, 'value'))).toBe(same);
      }),
      trials(),
    );
  });

  it('does not open for one neighbour in any single respect', () => {
    const sealed = seal(key, ref, 'email', 'value');
    expect(opens(key, ref, 'email', sealed)).toBe(true);
    expect(opens(key, { ...ref, subject: '5823594809' }, 'email', sealed)).toBe(false);
    expect(opens(key, { ...ref, revision: 2 }, 'email', sealed)).toBe(false);
    expect(opens(key, ref, 'shipping', sealed)).toBe(false);
    expect(opens(newKey(), ref, 'email', sealed)).toBe(false);
  });

  it.each(['', ',', '","', '\0', '\n', '/', ':', '\\', '"', ' '])(
    'does not open where only the border between customer and field lies elsewhere: %j',
    (between) => {
      const sealed = seal(key, { subject: 'a', revision: 1 }, `b${between}c`, 'value');
      expect(opens(key, { subject: `a${between}b`, revision: 1 }, 'c', sealed)).toBe(false);
    },
  );

  it('does not open once any one bit of it is flipped', () => {
    const bytes = Buffer.from(seal(key, ref, 'email', 'ada@example.com').sealed, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(opens(key, ref, 'email', { sealed: flipped.toString('base64url') })).toBe(false);
    }
  });

  it('does not open once any one letter of it is changed, dropped or added', () => {
    const { sealed } = seal(key, ref, 'email', 'x');
    for (let at = 0; at <= sealed.length; at += 1) {
      for (const letter of ['A', 'B', '-', '_', '+', '/', '=', ' ', '\n', 'é', '']) {
        for (const changed of [
          sealed.slice(0, at) + letter + sealed.slice(at + 1),
          sealed.slice(0, at) + letter + sealed.slice(at),
        ]) {
          if (changed !== sealed) expect(opens(key, ref, 'email', { sealed: changed })).toBe(false);
        }
      }
    }
  });

  it('does not open when it is too short to be one', () => {
    const { sealed } = seal(key, ref, 'email', 'x');
    for (const length of [0, 4, 16, 36, 37]) {
      expect(opens(key, ref, 'email', { sealed: sealed.slice(0, length) })).toBe(false);
    }
  });

  it('looks different each time, so that equal values can not be told', () => {
    const all = Array.from({ length: 100 }, () => seal(key, ref, 'email', 'same').sealed.slice(0, 16));
    expect(new Set(all).size).toBe(all.length);
  });

  it('is base64url of nonce, ciphertext and tag, and holds nothing in clear', () => {
    const { sealed } = seal(key, ref, 'email', 'canary@example.com');
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed, 'base64url')).toHaveLength(12 + '"canary@example.com"'.length + 16);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('canary');
  });
});

describe('The errors of sealing', () => {
  const key = newKey();
  const errorOf = (run: () => Sealed | Json): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };
  const circular: { canary?: unknown } = {};
  circular.canary = circular;

  it.each([undefined, () => 1, Symbol('canary'), circular, { canary: 1n }])(
    'refuse what JSON can not carry, without showing it: case %#',
    (value) => {
      const error = errorOf(() => seal(key, ref, 'email', value));
      expect(error).toBeInstanceOf(NotJson);
      expect(shown(error)).not.toContain('canary');
    },
  );

  it('show nothing of a value that does not open', () => {
    const sealed = seal(key, ref, 'email', 'canary');
    const error = errorOf(() => open(key, { ...ref, subject: 'canary' }, 'email', sealed));
    expect(error).toBeInstanceOf(SealBroken);
    expect(shown(error)).not.toContain('canary');
  });
});

const shown = (error: unknown): string =>
  error instanceof Error ? `${error.stack ?? ''} ${JSON.stringify(error)} ${shown(error.cause)}` : String(error);
