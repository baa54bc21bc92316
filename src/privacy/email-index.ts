import { createHmac } from 'node:crypto';

/**
 * Keyed hash by which an e-mail address is found without being kept: HMAC-SHA-256, base64url. Addresses that differ
 * only in case, in outer white space or in how Unicode composes them have the same one.
 */
export const emailIndex = (secret: Uint8Array, email: string): string =>
  createHmac('sha256', secret).update(normalized(email)).digest('base64url');

/** Not by locale: the hash is kept. Lower case can take a character's composition apart, hence NFC once more. */
const normalized = (email: string): string => email.trim().normalize('NFC').toLowerCase().normalize('NFC');
