import { randomBytes } from 'node:crypto';
import { KEY_BYTES } from './master-keys.js';
import type { MasterKeys } from './master-keys.js';
import type { SubjectKeys } from './subject-keys.js';

/**
 * Secrets of the service itself, 32 bytes each. They never rotate, since what was derived from them is looked up again
 * for good: only their wrapping changes with the master key.
 */
export class ServiceSecrets {
  constructor(
    /** Keys the HMAC that turns an `Idempotency-Key` into a `commandId`. */
    readonly commandId: Uint8Array,
    /** Keys the HMAC by which the views find an e-mail address. */
    readonly emailIndex: Uint8Array,
    /** Keys the HMAC that stands for a token's subject in the event metadata. */
    readonly tokenSubject: Uint8Array,
    /** Seed of the key that signs checkpoints and receipts where none is configured. */
    readonly signing: Uint8Array,
  ) {}
}

/**
 * Reads the secrets, making those that do not exist yet; of several starters all get the same ones.
 * @throws MasterKeyUnknown, WrappedKeyBroken @throws StoreUnavailable('subject_keys')
 */
export async function loadServiceSecrets(subjectKeys: SubjectKeys, masterKeys: MasterKeys): Promise<ServiceSecrets> {
  const load = async (secret: string): Promise<Uint8Array> => {
    const standing = await subjectKeys.secret(secret, masterKeys.wrap({ secret }, randomBytes(KEY_BYTES)));
    return masterKeys.unwrap({ secret }, standing);
  };
  return new ServiceSecrets(
    await load('command_id'),
    await load('email_index'),
    await load('token_subject'),
    await load('signing'),
  );
}
