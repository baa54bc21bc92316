/** Names one key: of one customer, in one life. */
export interface KeyRef {
  readonly subject: string;
  /** The number of the life, from 1. */
  readonly revision: number;
}

/** What a wrapped key is for: it opens for nothing else. */
export type KeyPurpose = KeyRef | { readonly secret: string };

export interface WrappedKey {
  /** Which master key wraps it. */
  readonly masterKeyId: string;
  /** Nonce, ciphertext and tag of the subject key under the master key. */
  readonly wrapped: Uint8Array;
  /** SHA-256 of the subject key, hex: tells a destroyed key that was copied back. */
  readonly fingerprint: string;
}

export type KeyState =
  | { readonly status: 'none' }
  | ({ readonly status: 'active' } & WrappedKey)
  /** The fence: no key is ever made for this reference again. No fingerprint when there never was a key. */
  | { readonly status: 'erased'; readonly fingerprint?: string };

/** Some of what stands wrapped: living subject keys and secrets. */
export interface WrappedPage {
  readonly keys: readonly { readonly purpose: KeyPurpose; readonly key: WrappedKey }[];
  /** Where to go on; absent when nothing follows. Opaque. */
  readonly next?: string;
}

/**
 * Where wrapped subject keys live: a store of their own, so that destroying one row makes every copy of a customer's
 * values unreadable. Every adapter passes `test/contracts/subject-keys.contract.ts`.
 * All methods throw StoreUnavailable('subject_keys') when the store is out of reach. Writes are durable when they resolve.
 */
export abstract class SubjectKeys {
  abstract find(ref: KeyRef): Promise<KeyState>;
  /** One look-up for many; answers in the order asked. */
  abstract findMany(refs: readonly KeyRef[]): Promise<readonly KeyState[]>;

  /**
   * Stores the key if the reference has none yet. Idempotent: answers the state that stands afterwards, so of two
   * racing creators both get the first one's key, and a creator behind the fence gets `erased`.
   */
  abstract create(ref: KeyRef, key: WrappedKey): Promise<KeyState>;

  /** Destroys the key and writes the fence in one atomic step, also where there was no key. Idempotent. */
  abstract destroy(ref: KeyRef): Promise<{ readonly fingerprint?: string }>;

  /** A secret of the service itself (wrapped like a subject key), made once: answers the one that stands. */
  abstract secret(name: string, ifAbsent: WrappedKey): Promise<WrappedKey>;

  /**
   * What is not wrapped by this master key: the secrets first, then the living keys, each once, at most `limit` of those.
   * What is made meanwhile may be missing.
   * @param after `next` of the page before
   */
  abstract notWrappedBy(masterKeyId: string, limit: number, after?: string): Promise<WrappedPage>;

  /**
   * Exchanges the wrapping of a key that stands, in one atomic step, only where it still stands wrapped just so: what was
   * destroyed meanwhile is never brought back.
   * @returns false when nothing was changed
   */
  abstract rewrap(purpose: KeyPurpose, standing: WrappedKey, rewrapped: WrappedKey): Promise<boolean>;

  /** How many living keys and secrets stand under each master key's id; for administration, since it counts them all. */
  abstract countByMasterKey(): Promise<ReadonlyMap<string, number>>;

  /** @throws StoreUnavailable */
  abstract health(): Promise<void>;
}
