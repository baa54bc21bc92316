import { createHash } from 'node:crypto';

/** A way in which a value can be written. */
export interface Form {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The search knows a form by so many bytes at its beginning. */
export const SHORTEST = 4;

/** The forms in which a value could lie in a file or a document, its plain digests among them. */
export function formsOf(value: string): readonly Form[] {
  const utf8 = Buffer.from(value);
  const utf16 = Buffer.from(value, 'utf16le');
  return [
    { name: 'UTF-8', bytes: utf8 },
    { name: 'UTF-16LE', bytes: utf16 },
    { name: 'UTF-16BE', bytes: Buffer.from(utf16).swap16() },
    { name: 'percent-encoded', bytes: Buffer.from(encodeURIComponent(value)) },
    { name: 'percent-encoded whole', bytes: Buffer.from([...utf8].map((byte) => `%${hex(byte, 2)}`).join('')) },
    { name: 'JSON', bytes: Buffer.from(JSON.stringify(value).slice(1, -1)) },
    { name: 'JSON in JSON', bytes: Buffer.from(JSON.stringify(JSON.stringify(value)).slice(3, -3)) },
    {
      name: 'JSON escapes',
      bytes: Buffer.from(
        units(value)
          .map((unit) => `\\u${hex(unit, 4)}`)
          .join(''),
      ),
    },
    { name: 'hex', bytes: Buffer.from(utf8.toString('hex')) },
    ...base64Forms('base64', utf8),
    ...base64Forms('base64 of UTF-16', utf16),
    ...digestForms(value),
  ].filter(({ bytes }) => bytes.length >= SHORTEST);
}

/** An address that was hashed without a key can be guessed. */
function digestForms(value: string): readonly Form[] {
  const texts = new Set([value, value.trim().toLowerCase()]);
  return [...texts].flatMap((text) =>
    ['md5', 'sha1', 'sha256'].flatMap((name) => {
      const digest = createHash(name).update(text).digest();
      return [
        { name: `${name}, hex`, bytes: Buffer.from(digest.toString('hex')) },
        ...base64Forms(`${name}, base64`, digest),
      ];
    }),
  );
}

/** Whatever stands before it: the three ways its bits can fall, without the characters that it shares with neighbours. */
function base64Forms(name: string, bytes: Buffer): readonly Form[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const own = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    const url = own.replaceAll('+', '-').replaceAll('/', '_');
    return [...new Set([own, url])].map((form) => ({ name, bytes: Buffer.from(form) }));
  });
}

const units = (text: string): number[] => Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
