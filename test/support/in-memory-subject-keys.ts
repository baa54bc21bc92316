import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { SubjectKeys } from '../../src/privacy/subject-keys.js';
import type { KeyRef, KeyState, WrappedKey } from '../../src/privacy/subject-keys.js';

const nameOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;
const copyOf = (key: WrappedKey): WrappedKey => ({ ...key, wrapped: Uint8Array.from(key.wrapped) });

/** Keeps the port's contract in memory. What is public besides is for tests to look at and to break things with. */
export class InMemorySubjectKeys extends SubjectKeys {
  /** How often it was called, by method. */
  readonly calls = { find: 0, findMany: 0, create: 0, destroy: 0, secret: 0 };
  /** While true, every call is refused as a store out of reach would. */
  outOfReach = false;

  private readonly rows = new Map<string, Exclude<KeyState, { status: 'none' }>>();
  private readonly secrets = new Map<string, WrappedKey>();

  override async find(ref: KeyRef): Promise<KeyState> {
    this.count('find');
    return this.state(ref);
  }

  override async findMany(refs: readonly KeyRef[]): Promise<readonly KeyState[]> {
    this.count('findMany');
    return refs.map((ref) => this.state(ref));
  }

  override async create(ref: KeyRef, key: WrappedKey): Promise<KeyState> {
    this.count('create');
    if (!this.rows.has(nameOf(ref))) this.plant(ref, key);
    return this.state(ref);
  }

  override async destroy(ref: KeyRef): Promise<{ readonly fingerprint?: string }> {
    this.count('destroy');
    const { fingerprint } = { fingerprint: undefined, ...this.rows.get(nameOf(ref)) };
    const mark = fingerprint === undefined ? {} : { fingerprint };
    this.rows.set(nameOf(ref), { status: 'erased', ...mark });
    return mark;
  }

  override async secret(name: string, ifAbsent: WrappedKey): Promise<WrappedKey> {
    this.count('secret');
    const standing = this.secrets.get(name) ?? copyOf(ifAbsent);
    this.secrets.set(name, standing);
    return copyOf(standing);
  }

  override async health(): Promise<void> {
    this.reach();
  }

  /** Puts a row in place, whatever stands there: a restored backup, a copied row. */
  plant(ref: KeyRef, key: WrappedKey): void {
    this.rows.set(nameOf(ref), { status: 'active', ...copyOf(key) });
  }

  /** Loses a row, key or fence. */
  lose(ref: KeyRef): void {
    this.rows.delete(nameOf(ref));
  }

  private state(ref: KeyRef): KeyState {
    const row = this.rows.get(nameOf(ref));
    if (row === undefined) return { status: 'none' };
    return row.status === 'active' ? { ...row, ...copyOf(row) } : row;
  }

  private count(method: keyof InMemorySubjectKeys['calls']): void {
    this.calls[method] += 1;
    this.reach();
  }

  private reach(): void {
    if (this.outOfReach) throw new StoreUnavailable('subject_keys');
  }
}
