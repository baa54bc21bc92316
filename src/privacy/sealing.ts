import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Json } from '../event-sourcing/event-store.js';
import { NotJson } from '../event-sourcing/event-store.js';
import type { SubjectKey } from './key-ring.js';
import type { Sealed } from './sealed.js';
import type { KeyRef } from './subject-keys.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A sealed value was altered, or stands where it was not sealed for. Says nothing of the value, and has no cause that could. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
  constructor(readonly field: string) {
    super('A sealed value does not open');
  }
}

/**
 * Seals a value (as JSON text) for one field of one life of one customer, with AES-256-GCM (NIST SP 800-38D). The nonce
 * is random: a key is good for 2^32 values.
 * @throws NotJson
 */
export function seal(key: SubjectKey, ref: KeyRef, field: string, value: unknown): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(ref, field));
  const text = cipher.update(jsonOf(value), 'utf8');
  cipher.final();
  return { sealed: Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url') };
}

/** @throws SealBroken unless it is, to the letter, what was sealed for this field of this life of this customer */
export function open(key: SubjectKey, ref: KeyRef, field: string, { sealed }: Sealed): Json {
  const bytes = Buffer.from(sealed, 'base64url');
  // The decoder passes over what is not base64url: other texts would give the same bytes.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) throw new SealBroken(field);
  const tagAt = bytes.length - TAG_BYTES;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(ref, field));
  decipher.setAuthTag(bytes.subarray(tagAt));
  const text = decipher.update(bytes.subarray(NONCE_BYTES, tagAt));
  try {
    decipher.final();
    return JSON.parse(text.toString('utf8')) as Json;
  } catch {
    throw new SealBroken(field);
  }
}

/** JSON keeps the parts apart: no two places have the same. */
const associatedData = ({ subject, revision }: KeyRef, field: string): Buffer =>
  Buffer.from(JSON.stringify(['v1', subject, field, revision]));

/** The errors of `JSON.stringify` can name parts of the value: they are not passed on. */
function jsonOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    throw new NotJson('A value to be sealed is not JSON');
  }
  if (text === undefined) throw new NotJson('A value to be sealed is not JSON');
  return text;
}
