import { createHash, randomBytes } from 'node:crypto';
import type { StoredApiKey } from './api-keys.js';
import type { Scope } from './scopes.js';

/** What can stand behind `Bearer` (RFC 6750, 2.1: `b64token`). */
export const BEARER_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

export interface KeyDescription {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
}

/** A new key with a secret of 256 random bits, to be shown once. `now` in milliseconds since the epoch. */
export function newApiKey(description: KeyDescription, now: number): { secret: string; stored: StoredApiKey } {
  const secret = `ck_${randomBytes(32).toString('base64url')}`;
  return { secret, stored: apiKeyFor(secret, description, now) };
}

/** The key of a secret that was made elsewhere. */
export function apiKeyFor(secret: string, { name, scopes, expiresAt }: KeyDescription, now: number): StoredApiKey {
  return {
    id: `key_${randomBytes(9).toString('base64url')}`,
    name,
    scopes: [...new Set(scopes)],
    createdAt: now,
    ...(expiresAt !== undefined && { expiresAt }),
    secretHash: hashOf(secret),
  };
}

/** SHA-256, hex. Without salt and stretching, for a secret is random and long: there is nothing to guess. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
