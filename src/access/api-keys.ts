import type { Scope } from './scopes.js';

export interface ApiKey {
  /** Public name of the key: what logs and the audit trail show. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

export interface StoredApiKey extends ApiKey {
  /** SHA-256 of the secret, hex. The secret itself is kept nowhere. */
  readonly secretHash: string;
}

/** Neither revoked nor expired. @param now milliseconds since the epoch */
export const isValidAt = ({ revokedAt, expiresAt = Infinity }: ApiKey, now: number): boolean =>
  revokedAt === undefined && expiresAt > now;

/**
 * Every adapter passes `test/contracts/api-keys.contract.ts`.
 * All methods throw StoreUnavailable('api_keys') when the store is out of reach.
 */
export abstract class ApiKeys {
  abstract findByHash(secretHash: string): Promise<StoredApiKey | undefined>;
  abstract list(): Promise<readonly StoredApiKey[]>;
  abstract add(key: StoredApiKey): Promise<void>;
  /** Adds the key only while there is none at all, in one step. @returns whether it was added. */
  abstract addFirst(key: StoredApiKey): Promise<boolean>;
  /** @returns false when there is no such key or it was revoked before. */
  abstract revoke(id: string, at: number): Promise<boolean>;
  /** @throws StoreUnavailable */
  abstract health(): Promise<void>;
}
