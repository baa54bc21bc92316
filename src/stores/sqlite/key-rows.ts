import type { KeyRef, KeyState, WrappedKey } from '../../privacy/subject-keys.js';
import { type CheckedTable, requireIntact, rowChecksum } from './row-checksums.js';

export const KEY_TABLES: readonly CheckedTable[] = [
  {
    name: 'subject_keys',
    key: ['number'],
    columns: ['subject', 'revision', 'erased', 'master_key_id', 'wrapped', 'fingerprint'],
    keepsOldRows: true,
  },
  { name: 'secrets', key: ['name'], columns: ['name', 'master_key_id', 'wrapped', 'fingerprint'], keepsOldRows: true },
];

export type KeyRow = readonly [
  wasDestroyed: number,
  checksum: number | null,
  erased: number,
  masterKeyId: string | null,
  wrapped: Uint8Array | null,
  fingerprint: string | null,
];
/** A row of an older release stays as long as it is: a checksum in it would move what stands behind. */
export const OVERWRITE_CHECKSUM = 'checksum = iif(checksum IS NULL, NULL, ?)';

/** Each can be written over by any other; configured ids are no longer. */
const ID_LENGTH = 64;
export const padded = (masterKeyId: string): string => masterKeyId.padEnd(ID_LENGTH);
const NONE: KeyState = { status: 'none' };

/** @throws RowDamaged */
export function toState({ subject, revision }: KeyRef, row: KeyRow | undefined): KeyState {
  if (row !== undefined) requireIntact('subject_keys', [subject, revision, ...row.slice(2)], row[1]);
  return stateOf(row);
}

/** Without a look at the checksum: a damaged row is destroyed like any other. */
export function stateOf(row: KeyRow | undefined): KeyState {
  if (row === undefined) return NONE;
  const [wasDestroyed, , erased, masterKeyId, wrapped, fingerprint] = row;
  if (erased === 1 || wasDestroyed === 1) return { status: 'erased', ...(fingerprint !== null && { fingerprint }) };
  return { status: 'active', ...fromRow(masterKeyId, wrapped, fingerprint) };
}

/** Of the row once its key is overwritten. */
export function erasedChecksum({ subject, revision }: KeyRef, row: KeyRow | undefined): number | null {
  if (row === undefined) return null;
  const [, , , masterKeyId, wrapped, fingerprint] = row;
  return rowChecksum([subject, revision, 1, masterKeyId, wrapped && new Uint8Array(wrapped.length), fingerprint]);
}

export function fromRow(
  masterKeyId: string | null,
  wrapped: Uint8Array | null,
  fingerprint: string | null,
): WrappedKey {
  if (masterKeyId === null || wrapped === null || fingerprint === null)
    throw new Error('A subject key without its parts');
  return copyOf({ masterKeyId: masterKeyId.trimEnd(), wrapped, fingerprint });
}

export const copyOf = ({ masterKeyId, wrapped, fingerprint }: WrappedKey): WrappedKey => ({
  masterKeyId,
  wrapped: Uint8Array.from(wrapped),
  fingerprint,
});
