import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** A seed of Ed25519 (RFC 8032) is 32 bytes. */
export const SEED_BYTES = 32;
/** DER of a PKCS #8 Ed25519 private key (RFC 8410, 7) up to the seed itself. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface SigningKey {
  readonly id: string;
  /** The seed: {@link SEED_BYTES} that make the private key. */
  readonly key: Uint8Array;
}

/** Signs checkpoints and receipts with the first key; the others are kept so that what they signed can be checked. */
export class SigningRing {
  private readonly keys: ReadonlyMap<string, { readonly secret: KeyObject; readonly open: KeyObject }>;
  readonly activeId: string;

  /** @param keys the active one first; at least one */
  constructor(keys: readonly SigningKey[]) {
    const [active] = keys;
    if (active === undefined) throw new RangeError('A ring of signing keys needs one');
    this.activeId = active.id;
    this.keys = new Map(
      keys.map(({ id, key }) => {
        const secret = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, key]), format: 'der', type: 'pkcs8' });
        return [id, { secret, open: createPublicKey(secret) }];
      }),
    );
  }

  get ids(): readonly string[] {
    return [...this.keys.keys()];
  }

  /** Ed25519 signature, 64 bytes, by the active key. */
  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.key(this.activeId).secret);
  }

  /** False also for a key that is not in the ring. */
  verify(id: string, message: Uint8Array, signature: Uint8Array): boolean {
    const key = this.keys.get(id);
    return key !== undefined && verify(null, message, key.open, signature);
  }

  /** 32 bytes (RFC 8032, 5.1.5). @throws RangeError no such key */
  publicKey(id: string): Uint8Array {
    const { x } = this.key(id).open.export({ format: 'jwk' });
    return new Uint8Array(Buffer.from(x ?? '', 'base64url'));
  }

  private key(id: string): { readonly secret: KeyObject; readonly open: KeyObject } {
    const key = this.keys.get(id);
    if (key === undefined) throw new RangeError('There is no signing key of this id');
    return key;
  }
}

/**
 * The configured keys, and after them the service's own: what it signed before others were configured can be checked on.
 * The id of its own key is made of the public key, so it tells nothing and is the same on every instance.
 */
export function openSigningRing(configured: readonly SigningKey[], own: Uint8Array): SigningRing {
  const id = Buffer.from(new SigningRing([{ id: 'own', key: own }]).publicKey('own'))
    .toString('hex')
    .slice(0, 16);
  return new SigningRing([...configured.filter((key) => key.id !== id), { id, key: own }]);
}
