import type { MasterKeys } from './master-keys.js';
import { MasterKeyUnknown, WrappedKeyBroken } from './master-keys.js';
import type { KeyPurpose, SubjectKeys, WrappedKey } from './subject-keys.js';

/** How many keys and secrets stand under each master key. */
export interface MasterKeyUse {
  readonly id: string;
  /** `unknown`: what it wraps can't be opened until it is configured again. */
  readonly state: 'active' | 'old' | 'unknown';
  readonly count: number;
}

export interface Rotation {
  readonly rewrapped: number;
  /** Destroyed, or wrapped anew by another rotation, between reading and writing. */
  readonly overtaken: number;
  /** Wrapped by a master key that is not at hand, or do not open with it: left as they were. */
  readonly unopened: number;
}

/** Held in memory at once, and written at once: a hundred can hang a compatible MongoDB server. */
const PAGE = 50;

/**
 * Wraps all living keys and the secrets by the active master key, beside a running service. What is wrapped by it already
 * is passed over, so that it can be ended at any moment and begun again.
 * @param onProgress how many were looked at so far
 * @throws StoreUnavailable
 */
export async function rotate(
  subjectKeys: SubjectKeys,
  masterKeys: MasterKeys,
  onProgress: (done: number) => void = () => undefined,
): Promise<Rotation> {
  const counts = { rewrapped: 0, overtaken: 0, unopened: 0 };
  let after: string | undefined;
  do {
    const page = await subjectKeys.notWrappedBy(masterKeys.activeId, PAGE, after);
    const outcomes = await Promise.all(page.keys.map(({ purpose, key }) => rewrap(purpose, key)));
    for (const outcome of outcomes) counts[outcome] += 1;
    onProgress(counts.rewrapped + counts.overtaken + counts.unopened);
    after = page.next;
  } while (after !== undefined);
  return counts;

  async function rewrap(purpose: KeyPurpose, standing: WrappedKey): Promise<keyof Rotation> {
    const key = unwrap(masterKeys, purpose, standing);
    if (key === undefined) return 'unopened';
    const done = await subjectKeys.rewrap(purpose, standing, masterKeys.wrap(purpose, key));
    return done ? 'rewrapped' : 'overtaken';
  }
}

function unwrap(masterKeys: MasterKeys, purpose: KeyPurpose, standing: WrappedKey): Uint8Array | undefined {
  try {
    return masterKeys.unwrap(purpose, standing);
  } catch (error) {
    if (error instanceof MasterKeyUnknown || error instanceof WrappedKeyBroken) return undefined;
    throw error;
  }
}

/** The active one first, then the other configured ones, then those that are not. @throws StoreUnavailable */
export async function masterKeyUse(subjectKeys: SubjectKeys, masterKeys: MasterKeys): Promise<readonly MasterKeyUse[]> {
  const counts = await subjectKeys.countByMasterKey();
  const { ids, activeId } = masterKeys;
  const unknown = [...counts.keys()].filter((id) => !ids.includes(id)).sort();
  return [
    ...ids.map((id) => ({ id, state: id === activeId ? 'active' : 'old', count: counts.get(id) ?? 0 }) as const),
    ...unknown.map((id) => ({ id, state: 'unknown', count: counts.get(id) ?? 0 }) as const),
  ];
}
