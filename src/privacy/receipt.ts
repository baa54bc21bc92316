import { createPublicKey, verify } from 'node:crypto';
import { canonicalJson } from '../event-sourcing/canonical-json.js';
import type { SigningRing } from './signing-ring.js';

/** Where something personal could be, and is not any more once a receipt says so. */
export const PLACES = [
  /** Sealed values stay in the log, and nothing opens them. */
  'event_log',
  'read_model',
  'key_store',
  /** Of all instances: none uses a key for longer than 5 s after its destruction. */
  'key_caches',
  /** Bodies are made just before they are sent, so none is kept. */
  'webhook_deliveries',
] as const;

/** What was done, without anything personal: an id is a pseudonym, and stays. */
export interface ReceiptPayload {
  readonly type: 'customer-erasure';
  readonly version: 1;
  readonly customerId: string;
  /** The number of the life that ended, from 1. */
  readonly life: number;
  readonly cause: string;
  readonly reasonCode?: string;
  /** UTC date-times. */
  readonly requestedTime: string;
  readonly erasedTime: string;
  readonly issuedTime: string;
  /** The event that ended the life, as it stands in the log. */
  readonly event: { readonly id: string; readonly stream: string; readonly revision: number; readonly hash: string };
  /** Destroyed; empty where the customer never had one. */
  readonly keys: readonly { readonly revision: number; readonly fingerprint: string }[];
  readonly places: readonly (typeof PLACES)[number][];
  /** A signed statement about the log that covers the event. */
  readonly checkpoint: string;
  readonly planned: {
    /** When old backups of the key store stop being able to open anything; null while that is not planned. */
    readonly backupsUnreadableTime: string | null;
  };
}

export interface Receipt {
  readonly payload: ReceiptPayload;
  /** Ed25519 (RFC 8032) over the payload as canonical JSON (RFC 8785) in UTF-8. */
  readonly signature: {
    readonly algorithm: 'Ed25519';
    readonly keyId: string;
    /** Base64 of 32 bytes: compare it with the service's own before trusting the signature. */
    readonly publicKey: string;
    readonly value: string;
  };
}

/** The receipt as it is kept and handed out: canonical JSON as a whole, too. */
export function signReceipt(payload: ReceiptPayload, ring: SigningRing): string {
  const keyId = ring.activeId;
  const value = Buffer.from(ring.sign(bytesOf(payload))).toString('base64');
  const publicKey = Buffer.from(ring.publicKey(keyId)).toString('base64');
  return canonicalJson({ payload, signature: { algorithm: 'Ed25519', keyId, publicKey, value } });
}

/** No check: it is one that {@link signReceipt} made. */
export const readReceipt = (text: string): Receipt => JSON.parse(text) as Receipt;

/** DER of an Ed25519 public key (RFC 8410, 4) up to the key itself. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** @param publicKey 32 bytes. @returns whether it signed the receipt, to the letter */
export function isSignedBy(publicKey: Uint8Array, receipt: Pick<Receipt, 'payload' | 'signature'>): boolean {
  if (publicKey.length !== 32) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  return verify(null, bytesOf(receipt.payload), key, Buffer.from(receipt.signature.value, 'base64'));
}

const bytesOf = (payload: ReceiptPayload): Buffer => Buffer.from(canonicalJson(payload));
