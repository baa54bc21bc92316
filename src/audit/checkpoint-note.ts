import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { SigningRing } from '../privacy/signing-ring.js';
import type { Head } from './merkle.js';

/** What a checkpoint says: C2SP tlog-checkpoint, with the time in an extension line. */
export interface CheckpointBody extends Head<Uint8Array> {
  readonly origin: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A public key under a name, as C2SP signed-note has it: `name+hash+key`. */
export interface VerifierKey {
  readonly name: string;
  /** The first 4 bytes of SHA-256 over name, line feed, algorithm and key: hex. */
  readonly id: string;
  /** Ed25519, 32 bytes. */
  readonly key: Uint8Array;
  /** The same, ready to verify with: making it takes longer than to check a signature. */
  readonly opened: KeyObject;
}

export interface SignedNote extends CheckpointBody {
  /** What is signed: all of it, the last line feed included. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: string; readonly signature: Uint8Array }[];
}

/** The text is no checkpoint of this form. */
export class NotACheckpoint extends Error {
  override readonly name = 'NotACheckpoint';
}

/** In C2SP signed-note. */
const ED25519 = Buffer.of(1);
/** DER of an Ed25519 public key (RFC 8410, 4) up to the key itself. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNATURE_LINE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;

export function signNote({ origin, size, root, at }: CheckpointBody, ring: SigningRing): string {
  const time = new Date(at).toISOString();
  const text = `${origin}\n${String(size)}\n${Buffer.from(root).toString('base64')}\ntime ${time}\n`;
  const key = verifierKey(origin, ring.publicKey(ring.activeId));
  const signature = Buffer.concat([Buffer.from(key.id, 'hex'), ring.sign(Buffer.from(text))]);
  return `${text}\n\u2014 ${key.name} ${signature.toString('base64')}\n`;
}

/** @throws NotACheckpoint */
export function readNote(note: string): SignedNote {
  const end = note.indexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n').slice(0, -1);
  const [, time] = extensions.map((line) => /^time (\S+)$/.exec(line)).find(Boolean) ?? [];
  const bytes = Buffer.from(root, 'base64');
  const lines = note
    .slice(end + 2)
    .split('\n')
    .slice(0, -1);
  const signatures = lines.map(readSignature);
  const isWhole = end > 0 && note.endsWith('\n') && origin !== '' && signatures.length > 0 && time !== undefined;
  if (!isWhole || !/^(0|[1-9]\d{0,15})$/.test(size) || bytes.length !== 32 || Number.isNaN(Date.parse(time))) {
    throw new NotACheckpoint('This is no checkpoint: origin, size, root hash, time and signature are wanted');
  }
  return { text, origin, size: Number(size), root: new Uint8Array(bytes), at: Date.parse(time), signatures };
}

function readSignature(line: string): SignedNote['signatures'][number] {
  const [, name = '', base64 = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length < 5) throw new NotACheckpoint('A line of the checkpoint should be a signature and is none');
  return { name, id: bytes.subarray(0, 4).toString('hex'), signature: new Uint8Array(bytes.subarray(4)) };
}

/** Whether one of the keys, under the name of the checkpoint's origin, has signed it. */
export function isSigned(note: SignedNote, keys: readonly VerifierKey[]): boolean {
  return note.signatures.some(({ name, id, signature }) =>
    keys.some(
      (key) =>
        name === note.origin &&
        key.name === name &&
        key.id === id &&
        verify(null, Buffer.from(note.text), key.opened, signature),
    ),
  );
}

export function verifierKey(name: string, key: Uint8Array): VerifierKey {
  const id = createHash('sha256').update(`${name}\n`).update(ED25519).update(key).digest('hex').slice(0, 8);
  const opened = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: 'der', type: 'spki' });
  return { name, id, key, opened };
}

/** The active key first. */
export const verifierKeys = (ring: SigningRing, name: string): readonly VerifierKey[] =>
  ring.ids.map((id) => verifierKey(name, ring.publicKey(id)));

/** As it is handed to whoever checks: C2SP signed-note, "verifier key". */
export const writeVerifierKey = ({ name, id, key }: VerifierKey): string =>
  `${name}+${id}+${Buffer.concat([ED25519, key]).toString('base64')}`;

/** @throws NotACheckpoint the text is no such key, or its id is not that of the key */
export function readVerifierKey(text: string): VerifierKey {
  const [, name = '', id = '', base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 33 || bytes[0] !== 1) throw notAKey();
  const key = verifierKey(name, new Uint8Array(bytes.subarray(1)));
  if (key.id !== id) throw notAKey();
  return key;
}

const notAKey = (): NotACheckpoint => new NotACheckpoint('This is no verifier key');
