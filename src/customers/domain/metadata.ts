import { CustomerError } from './errors.js';
import type { Metadata } from './personal.js';

/** A customer holds at most so many pairs, counted after the merge. */
export const MAX_METADATA_PAIRS = 20;

/**
 * Merges key by key; `""` removes a key.
 * @returns undefined when nothing is left
 * @throws CustomerError too_many_metadata_pairs
 */
export function mergeMetadata(present: Metadata | undefined, changes: Metadata): Metadata | undefined {
  const merged = new Map(Object.entries(present ?? {}));
  for (const [key, value] of Object.entries(changes)) {
    if (value === '') merged.delete(key);
    else merged.set(key, value);
  }
  if (merged.size > MAX_METADATA_PAIRS) {
    throw new CustomerError(
      'too_many_metadata_pairs',
      'metadata',
      `A customer can hold at most ${String(MAX_METADATA_PAIRS)} metadata pairs`,
    );
  }
  return merged.size === 0 ? undefined : Object.fromEntries(merged);
}
