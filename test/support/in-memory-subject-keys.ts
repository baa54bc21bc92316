import { StoreUnavailable } from '../../src/event-sourcing/store-errors.js';
import { SubjectKeys } from '../../src/privacy/subject-keys.js';
import type { KeyPurpose, KeyRef, KeyState, WrappedKey, WrappedPage } from '../../src/privacy/subject-keys.js';

const nameOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;
const refOf = (name: string): KeyRef => {
  const space = name.indexOf(' ');
  return { subject: name.slice(space + 1), revision: Number(name.slice(0, space)) };
};
const copyOf = ({ masterKeyId, wrapped, fingerprint }: WrappedKey): WrappedKey => ({
  masterKeyId,
  wrapped: Uint8Array.from(wrapped),
  fingerprint,
});

/** Keeps the port's contract in memory. What is public besides is for tests to look at and to break things with. */
export class InMemorySubjectKeys extends SubjectKeys {
  /** How often it was called, by method. */
  readonly calls = { find: 0, findMany: 0, create: 0, destroy: 0, secret: 0 };
  /** While true, every call is refused as a store out of reach would. */
  outOfReach = false;

  private readonly rows = new Map<string, Exclude<KeyState, { status: 'none' }>>();
  /** Fingerprints. */
  private readonly destroyed = new Set<string>();
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
    if (fingerprint !== undefined) this.destroyed.add(fingerprint);
    this.rows.set(nameOf(ref), { status: 'erased', ...mark });
    return mark;
  }

  override async secret(name: string, ifAbsent: WrappedKey): Promise<WrappedKey> {
    this.count('secret');
    const standing = this.secrets.get(name) ?? copyOf(ifAbsent);
    this.secrets.set(name, standing);
    return copyOf(standing);
  }

  override async notWrappedBy(masterKeyId: string, limit: number, after?: string): Promise<WrappedPage> {
    this.reach();
    const names = [...this.rows.keys()];
    const at = after === undefined ? 0 : names.indexOf(after) + 1;
    const page = names.slice(at, at + limit);
    const living = page.flatMap((name) => {
      const row = this.rows.get(name);
      return row?.status === 'active' ? [{ purpose: refOf(name), key: copyOf(row) }] : [];
    });
    const secrets = [...this.secrets].map(([secret, key]) => ({ purpose: { secret }, key: copyOf(key) }));
    const all = [...(after === undefined ? secrets : []), ...living];
    const next = page.at(-1);
    return {
      keys: all.filter(({ key }) => key.masterKeyId !== masterKeyId),
      ...(next !== undefined && { next }),
    };
  }

  override async rewrap(purpose: KeyPurpose, standing: WrappedKey, rewrapped: WrappedKey): Promise<boolean> {
    this.reach();
    const present = this.present(purpose);
    if (present?.masterKeyId !== standing.masterKeyId) return false;
    if (!Buffer.from(present.wrapped).equals(standing.wrapped)) return false;
    if ('secret' in purpose) this.secrets.set(purpose.secret, copyOf(rewrapped));
    else this.plant(purpose, rewrapped);
    return true;
  }

  override async countByMasterKey(): Promise<ReadonlyMap<string, number>> {
    this.reach();
    const counts = new Map<string, number>();
    const living = [...this.rows.values()].flatMap((row) => (row.status === 'active' ? [row] : []));
    for (const { masterKeyId } of [...living, ...this.secrets.values()])
      counts.set(masterKeyId, (counts.get(masterKeyId) ?? 0) + 1);
    return counts;
  }

  override async health(): Promise<void> {
    this.reach();
  }

  /** Puts a row in place, whatever stands there: a restored backup, a copied row. */
  plant(ref: KeyRef, key: WrappedKey): void {
    this.rows.set(nameOf(ref), { status: 'active', ...copyOf(key) });
  }

  /** How a row stands, without counting as a call. */
  peek(ref: KeyRef): KeyState {
    return this.state(ref);
  }

  /** A backup. @returns what puts everything back as it is now */
  backup(): () => void {
    const [rows, secrets, destroyed] = [new Map(this.rows), new Map(this.secrets), new Set(this.destroyed)];
    return () => {
      this.rows.clear();
      this.secrets.clear();
      this.destroyed.clear();
      for (const fingerprint of destroyed) this.destroyed.add(fingerprint);
      for (const [name, row] of rows) this.rows.set(name, row);
      for (const [name, secret] of secrets) this.secrets.set(name, secret);
    };
  }

  /** Loses a row, key or fence. */
  lose(ref: KeyRef): void {
    this.rows.delete(nameOf(ref));
  }

  private present(purpose: KeyPurpose): WrappedKey | undefined {
    if ('secret' in purpose) return this.secrets.get(purpose.secret);
    const row = this.rows.get(nameOf(purpose));
    return row?.status === 'active' ? row : undefined;
  }

  private state(ref: KeyRef): KeyState {
    const row = this.rows.get(nameOf(ref));
    if (row === undefined) return { status: 'none' };
    if (row.status === 'erased') return row;
    const { fingerprint } = row;
    return this.destroyed.has(fingerprint) ? { status: 'erased', fingerprint } : { ...row, ...copyOf(row) };
  }

  private count(method: keyof InMemorySubjectKeys['calls']): void {
    this.calls[method] += 1;
    this.reach();
  }

  private reach(): void {
    if (this.outOfReach) throw new StoreUnavailable('subject_keys');
  }
}
