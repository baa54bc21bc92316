import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../event-sourcing/clock.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import type { MasterKeys } from './master-keys.js';
import { KEY_BYTES } from './master-keys.js';
import type { SubjectKeys } from './subject-keys.js';
import type { KeyRef, KeyState, WrappedKey } from './subject-keys.js';

/** The key of one life of one customer, ready for use. A `KeyObject`, so that no log or dump shows its bytes. */
export interface SubjectKey {
  readonly secret: KeyObject;
}

type Held = SubjectKey | 'erased';

interface Entry {
  readonly key: Held;
  /** When the store was asked, milliseconds since the epoch. */
  readonly asOf: number;
}

interface Moment {
  readonly time: number;
  readonly forgotten: number;
}

/** Older answers may hide a destruction by another instance. */
export const MAX_AGE_MS = 5_000;
const MAX_ENTRIES = 10_000;

/**
 * A key that must be there is not, or does not open, and there is no fence: damage or a wrong restore, never an
 * erasure. An alarm; answered as 503, since putting the key back mends it.
 */
export class KeyMissing extends StoreUnavailable {
  override readonly name = 'KeyMissing';
  override readonly passes = false;
  constructor(
    readonly ref: KeyRef,
    readonly reason: 'absent' | 'unreadable',
    options?: ErrorOptions,
  ) {
    super('subject_keys', options);
    this.message = `A subject key that must be there is ${reason}`;
  }
}

/**
 * Subject keys, unwrapped, and held for a short while. What it answers is at most 5 s old; a key destroyed through this
 * ring is gone from it at once. All methods but `forget` throw StoreUnavailable('subject_keys').
 */
export class KeyRing {
  /** In the order of `asOf`. */
  private readonly held = new Map<string, Entry>();
  /** Counts what was forgotten: an answer that was asked for before is not kept, for it may show a key destroyed since. */
  private forgotten = 0;

  constructor(
    private readonly subjectKeys: SubjectKeys,
    private readonly masterKeys: MasterKeys,
    private readonly clock: Clock,
  ) {}

  /** @throws KeyMissing when the stored key does not open */
  async find(ref: KeyRef): Promise<Held | 'none'> {
    const held = this.fresh(ref);
    if (held !== undefined) return held;
    const asked = this.now();
    return this.take(ref, await this.subjectKeys.find(ref), asked);
  }

  /** In the order asked, with one look-up for all that are not held. @throws KeyMissing when one does not open */
  async findMany(refs: readonly KeyRef[]): Promise<readonly (Held | 'none')[]> {
    const answers = refs.map((ref) => this.fresh(ref));
    const wanted = refs.filter((_, at) => answers[at] === undefined);
    if (wanted.length === 0) return answers.map((answer) => answer ?? 'none');
    const asked = this.now();
    const states = (await this.subjectKeys.findMany(wanted)).values();
    return refs.map((ref, at) => answers[at] ?? this.take(ref, states.next().value ?? { status: 'none' }, asked));
  }

  /** For a life that has sealed values. @throws KeyMissing when there is neither key nor fence, or it does not open */
  async require(ref: KeyRef): Promise<Held> {
    const found = await this.find(ref);
    if (found === 'none') throw new KeyMissing(ref, 'absent');
    return found;
  }

  /** Only for a life that has no sealed value yet: elsewhere a new key would hide that the old one is lost. */
  async findOrCreate(ref: KeyRef): Promise<Held> {
    return (await this.begin(ref)).key;
  }

  /** As {@link findOrCreate}. `isNew`: nobody can have used it before, and there was no fence. */
  async begin(ref: KeyRef): Promise<{ readonly key: Held; readonly isNew: boolean }> {
    const held = this.fresh(ref);
    if (held !== undefined) return { key: held, isNew: false };
    const asked = this.now();
    const made = this.masterKeys.wrap(ref, randomBytes(KEY_BYTES));
    const standing = await this.subjectKeys.create(ref, made);
    const key = this.take(ref, standing, asked);
    if (key === 'none') throw new KeyMissing(ref, 'absent');
    return { key, isNew: standing.status === 'active' && standing.fingerprint === made.fingerprint };
  }

  /** Destroys the key for good and raises the fence. @returns the destroyed key's fingerprint, if there was one */
  async destroy(ref: KeyRef): Promise<{ readonly fingerprint?: string }> {
    try {
      return await this.subjectKeys.destroy(ref);
    } finally {
      // Also after a failure: it may have reached the store.
      this.forget(ref);
    }
  }

  /** The next use asks the store: for whoever hears of a destruction elsewhere. */
  forget(ref: KeyRef): void {
    this.forgotten += 1;
    this.held.delete(nameOf(ref));
  }

  private now(): Moment {
    return { time: this.clock.now(), forgotten: this.forgotten };
  }

  private fresh(ref: KeyRef): Held | undefined {
    const entry = this.held.get(nameOf(ref));
    return entry !== undefined && isFresh(entry, this.clock.now()) ? entry.key : undefined;
  }

  private take(ref: KeyRef, state: KeyState, asked: Moment): Held | 'none' {
    if (state.status === 'none') return 'none';
    const key = state.status === 'erased' ? state.status : this.unwrap(ref, state);
    if (asked.forgotten === this.forgotten) this.hold(nameOf(ref), { key, asOf: asked.time });
    return key;
  }

  private unwrap(ref: KeyRef, row: WrappedKey): SubjectKey {
    try {
      return { secret: createSecretKey(this.masterKeys.unwrap(ref, row)) };
    } catch (error) {
      throw new KeyMissing(ref, 'unreadable', { cause: error });
    }
  }

  private hold(name: string, entry: Entry): void {
    this.held.delete(name);
    this.held.set(name, entry);
    for (const [oldest, { asOf }] of this.held) {
      if (this.held.size <= MAX_ENTRIES && isFresh({ asOf }, entry.asOf)) break;
      this.held.delete(oldest);
    }
  }
}

const nameOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;

/** A time ahead of now means that the clock was set back: no telling how old it is. */
const isFresh = ({ asOf }: Pick<Entry, 'asOf'>, now: number): boolean => asOf <= now && now - asOf < MAX_AGE_MS;
