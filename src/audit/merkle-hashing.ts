import { createHash } from 'node:crypto';
import type { Hashing } from './merkle.js';

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** SHA-256 over 0x00 and the entry: what keeps a leaf from passing as a node (RFC 9162, 2.1.1). */
export const leafHash = (entry: Uint8Array): Uint8Array => createHash('sha256').update(LEAF).update(entry).digest();

const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  createHash('sha256').update(NODE).update(left).update(right).digest();

export const SHA256: Hashing<Uint8Array> = { node: nodeHash, same: (a, b) => Buffer.compare(a, b) === 0 };

/** Of the tree without leaves. */
export const emptyRoot = (): Uint8Array => createHash('sha256').digest();

/** As notes, proofs and answers show a hash. */
export const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');
