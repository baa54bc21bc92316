import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Something in which a value could lie: a file of the data folder, what was printed, an answer. */
export interface Place {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Form {
  readonly name: string;
  /** At least four. */
  readonly bytes: Buffer;
}

/** Every byte of the folder, the write-ahead logs and the indexes of them among it. */
export function placesIn(folder: string): Place[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

export const placeOf = (name: string, text: string): Place => ({ name, bytes: Buffer.from(text) });

/** Where the value is found, in any form, each as `form in place`. Case does not count. */
export const findText = (value: string, places: readonly Place[]): string[] => find(formsOfText(value), places);

/** Where the bytes are found: as they are, or written in hex or any base64. */
export const findBytes = (bytes: Uint8Array, places: readonly Place[]): string[] =>
  find(formsOfBytes('bytes', Buffer.from(bytes)), places);

/** Where just this text is found: for values that may be there. */
export const findPlain = (value: string, places: readonly Place[]): string[] =>
  find([{ name: 'plain', bytes: Buffer.from(value) }], places);

/**
 * All forms at once, in one walk over each place: at every byte the four that end there are looked up among the beginnings
 * of the forms. Letters are folded on both sides, also in what is no text: that finds too much rather than too little.
 */
export function find(forms: readonly Form[], places: readonly Place[]): string[] {
  const beginnings = new Map<number, { name: string; bytes: Buffer }[]>();
  const seen = new Uint8Array(2 ** 20);
  for (const { name, bytes } of forms) {
    const folded = lowerCased(bytes);
    const beginning = folded.readUInt32BE(0);
    seen[slotOf(beginning)] = 1;
    beginnings.set(beginning, [...(beginnings.get(beginning) ?? []), { name, bytes: folded }]);
  }
  const found = new Set<string>();
  for (const place of places) {
    const bytes = lowerCased(place.bytes);
    let four = 0;
    for (let end = 0; end < bytes.length; end++) {
      four = ((four << 8) | (bytes[end] ?? 0)) >>> 0;
      if (seen[slotOf(four)] === 0) continue;
      for (const form of beginnings.get(four) ?? []) {
        const start = end - 3;
        if (start >= 0 && bytes.subarray(start, start + form.bytes.length).equals(form.bytes)) {
          found.add(`${form.name} in ${place.name}`);
        }
      }
    }
  }
  return [...found];
}

const slotOf = (four: number): number => (four ^ (four >>> 12)) & 0xfffff;

/** ASCII letters alone, byte by byte. */
const lowerCased = (bytes: Buffer): Buffer =>
  bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)) as Buffer;

/** A value in the forms in which it could lie somewhere. @param where goes before the name of each form */
export function formsOfText(value: string, where = ''): Form[] {
  const utf8 = Buffer.from(value);
  const trimmed = value.trim().toLowerCase();
  const escaped = value
    .split('')
    .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
  const percent = [...utf8].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return [
    { name: 'UTF-8', bytes: utf8 },
    { name: 'UTF-16LE', bytes: Buffer.from(value, 'utf16le') },
    { name: 'UTF-16BE', bytes: Buffer.from(value, 'utf16le').swap16() },
    { name: 'percent-encoded', bytes: Buffer.from(encodeURIComponent(value)) },
    { name: 'percent-encoded whole', bytes: Buffer.from(percent) },
    { name: 'JSON', bytes: Buffer.from(JSON.stringify(value).slice(1, -1)) },
    { name: 'JSON in JSON', bytes: Buffer.from(JSON.stringify(JSON.stringify(value)).slice(3, -3)) },
    { name: 'JSON escapes', bytes: Buffer.from(escaped) },
    { name: 'hex', bytes: Buffer.from(utf8.toString('hex')) },
    ...base64Forms('base64', utf8),
    ...base64Forms('base64 of UTF-16', Buffer.from(value, 'utf16le')),
    ...['md5', 'sha1', 'sha256'].flatMap((algorithm) =>
      [...new Set([value, trimmed])].flatMap((text) =>
        formsOfBytes(algorithm, createHash(algorithm).update(text).digest()),
      ),
    ),
  ].map(({ name, bytes }) => ({ name: where + name, bytes }));
}

const formsOfBytes = (name: string, bytes: Buffer): Form[] => [
  { name: `${name}, raw`, bytes },
  { name: `${name}, hex`, bytes: Buffer.from(bytes.toString('hex')) },
  ...base64Forms(`${name}, base64`, bytes),
];

/** Whatever stands before it: the three ways its bits can fall, without the characters that it shares with neighbours. */
function base64Forms(name: string, bytes: Buffer): Form[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const own = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    const url = own.replaceAll('+', '-').replaceAll('/', '_');
    return [...new Set([own, url])].map((form) => ({ name: `${name} at ${shift}`, bytes: Buffer.from(form) }));
  });
}
