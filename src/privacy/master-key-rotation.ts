import type { MasterKeys } from './master-keys.js';
import { MasterKeyUnknown, WrappedKeyBroken } from './master-keys.js';
import type { KeyPurpose, SubjectKeys, WrappedKey, WrappedPage } from './subject-keys.js';

/** How many keys and secrets stand under each master key. */
export interface MasterKeyUse {
  readonly id: string;
  /** `unknown`: what it wraps can't be opened until it is configured again. */
  readonly state: 'active' | 'old' | 'unknown';
  readonly count: number;
}

export interface Rotation {
  readonly rewrapped: number;
  /** Destroyed, or wrapped anew by another rotation, between reading and writing; or destroyed long ago and copied back. */
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
  let done = 0;
  do {
    const page = await subjectKeys.notWrappedBy(masterKeys.activeId, PAGE, after);
    const erased = await erasedAmong(page.keys);
    const outcomes = await Promise.all(
      page.keys.map(({ purpose, key }) => (erased.has(purpose) ? destroyAgain(purpose) : rewrap(purpose, key))),
    );
    for (const outcome of outcomes) counts[outcome] += 1;
    done += page.keys.length;
    onProgress(done);
    after = page.next;
  } while (after !== undefined);
  return counts;

  /** Rows that were copied back from a backup stand like living ones, and are known to be none. */
  async function erasedAmong(keys: WrappedPage['keys']): Promise<ReadonlySet<KeyPurpose>> {
    const refs = keys.flatMap(({ purpose }) => ('subject' in purpose ? [purpose] : []));
    const states = await subjectKeys.findMany(refs);
    return new Set(refs.filter((_, at) => states[at]?.status === 'erased'));
  }

  /** Wrapped anew it would outlive the old master key, and open for good what was erased. */
  async function destroyAgain(purpose: KeyPurpose): Promise<keyof Rotation> {
    if ('subject' in purpose) await subjectKeys.destroy(purpose);
    return 'overtaken';
  }

  async function rewrap(purpose: KeyPurpose, standing: WrappedKey): Promise<keyof Rotation> {
    const key = unwrap(masterKeys, purpose, standing);
    if (key === undefined) return 'unopened';
    const isDone = await subjectKeys.rewrap(purpose, standing, masterKeys.wrap(purpose, key));
    return isDone ? 'rewrapped' : 'overtaken';
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
