/**
 * A personal value as it is at rest: AES-256-GCM under the key of one life of one customer.
 * `sealed` is base64url of nonce (12 bytes), ciphertext, tag (16 bytes).
 */
export type Sealed = {
  readonly sealed: string;
};

export const isSealed = (value: unknown): value is Sealed =>
  typeof value === 'object' && value !== null && typeof (value as { sealed?: unknown }).sealed === 'string';
