import { createCipheriv, createDecipheriv, createHash, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { KeyPurpose, WrappedKey } from './subject-keys.js';

/** AES-256. */
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

export interface MasterKey {
  /** Stands in clear beside everything the key wraps. */
  readonly id: string;
  readonly key: Uint8Array;
}

/** A master key or its file can't be used; the message says why and never shows a key. Stops the start. */
export class MasterKeyRefused extends Error {
  override readonly name = 'MasterKeyRefused';
}

/** Something was wrapped by a master key that is not at hand. Nothing is lost: it opens once that key is back. */
export class MasterKeyUnknown extends Error {
  override readonly name = 'MasterKeyUnknown';
  constructor(readonly masterKeyId: string) {
    super(
      `Keys are wrapped by master key '${masterKeyId}', which is not configured: ` +
        'put its key file back, or add it to MASTER_KEYS behind the active one',
    );
  }
}

/** A wrapped key was altered, stands in another's place, or its master key's id names other bytes. */
export class WrappedKeyBroken extends Error {
  override readonly name = 'WrappedKeyBroken';
  constructor(readonly masterKeyId: string) {
    super(`A key wrapped by master key '${masterKeyId}' does not open with the key configured under that id`);
  }
}

/** SHA-256, hex. Reveals nothing of a random key. */
export const fingerprintOf = (key: Uint8Array): string => createHash('sha256').update(key).digest('hex');

/**
 * Wraps and unwraps keys with AES-256-GCM (NIST SP 800-38D). The nonce is random: one master key is good for 2^32
 * wraps, one for each life of a customer.
 */
export class MasterKeys {
  private readonly keys: ReadonlyMap<string, KeyObject>;
  readonly activeId: string;

  /** @param keys the first one wraps, all of them unwrap. @throws MasterKeyRefused */
  constructor(keys: readonly MasterKey[]) {
    const [active] = keys;
    if (active === undefined) throw new MasterKeyRefused('There is no master key');
    this.activeId = active.id;
    this.keys = new Map(keys.map(({ id, key }) => [id, secretKey(id, key)]));
    if (this.keys.size < keys.length) throw new MasterKeyRefused('Two master keys have the same id');
  }

  /** The active one first. */
  get ids(): readonly string[] {
    return [...this.keys.keys()];
  }

  wrap(purpose: KeyPurpose, key: Uint8Array): WrappedKey {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.masterKey(this.activeId), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associatedData(purpose));
    const wrapped = Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    return { masterKeyId: this.activeId, wrapped, fingerprint: fingerprintOf(key) };
  }

  /** @throws MasterKeyUnknown @throws WrappedKeyBroken also when the key is not the one of the fingerprint */
  unwrap(purpose: KeyPurpose, row: WrappedKey): Uint8Array {
    const key = decrypt(this.masterKey(row.masterKeyId), purpose, row.wrapped);
    if (key === undefined || fingerprintOf(key) !== row.fingerprint) throw new WrappedKeyBroken(row.masterKeyId);
    return key;
  }

  private masterKey(id: string): KeyObject {
    const key = this.keys.get(id);
    if (key === undefined) throw new MasterKeyUnknown(id);
    return key;
  }
}

function secretKey(id: string, key: Uint8Array): KeyObject {
  if (id === '') throw new MasterKeyRefused('A master key has no id');
  if (key.length !== KEY_BYTES) throw new MasterKeyRefused(`Master key '${id}' is not ${KEY_BYTES} bytes long`);
  return createSecretKey(key);
}

function decrypt(masterKey: KeyObject, purpose: KeyPurpose, wrapped: Uint8Array): Uint8Array | undefined {
  if (wrapped.length !== WRAPPED_BYTES) return undefined;
  const nonce = wrapped.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(purpose));
  decipher.setAuthTag(wrapped.subarray(WRAPPED_BYTES - TAG_BYTES));
  const key = decipher.update(wrapped.subarray(NONCE_BYTES, WRAPPED_BYTES - TAG_BYTES));
  try {
    decipher.final();
    return key;
  } catch {
    return undefined;
  }
}

/** JSON keeps the parts apart: no two purposes have the same. */
const associatedData = (purpose: KeyPurpose): Buffer =>
  Buffer.from(
    JSON.stringify(
      'secret' in purpose
        ? ['v1', 'service-secret', purpose.secret]
        : ['v1', 'subject-key', purpose.subject, purpose.revision],
    ),
  );
