import { type KeyRef, type KeyState, SubjectKeys, type WrappedKey } from '../../privacy/subject-keys.js';
import type { Change, Query } from './connection.js';
import type { SqliteDatabase } from './database.js';
import { WalScrubber } from './wal-scrubber.js';

/**
 * Rows are only ever added at the end and overwritten at the same length, so that a key keeps its one place in the file.
 * What `secure_delete` does with bytes that move when a page is split, SQLite does not promise.
 */
export const SUBJECT_KEYS_SCHEMA = `
  CREATE TABLE subject_keys (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    revision INTEGER NOT NULL,
    erased INTEGER NOT NULL,
    master_key_id TEXT,
    wrapped BLOB,
    fingerprint TEXT,
    UNIQUE (subject, revision)
  );
  CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    master_key_id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    fingerprint TEXT NOT NULL
  )`;

type KeyRow = readonly [
  erased: number,
  masterKeyId: string | null,
  wrapped: Uint8Array | null,
  fingerprint: string | null,
];
type SecretRow = readonly [masterKeyId: string, wrapped: Uint8Array, fingerprint: string];
const SELECT =
  'SELECT erased, master_key_id, wrapped, fingerprint FROM subject_keys WHERE subject = ? AND revision = ?';
const NONE: KeyState = { status: 'none' };

/** In a database made with {@link SUBJECT_KEYS_SCHEMA} and `secureDelete`. */
export class SqliteSubjectKeys extends SubjectKeys {
  private readonly read: Query<KeyRow>;
  private readonly readForWriting: Query<KeyRow>;
  private readonly insert: Change;
  private readonly insertFence: Change;
  private readonly erase: Change;
  private readonly readSecret: Query<SecretRow>;
  private readonly insertSecret: Change;
  private readonly scrubber: WalScrubber;

  private constructor(private readonly database: SqliteDatabase) {
    super();
    const { reader, writer } = database;
    const columns = 'subject, revision, erased, master_key_id, wrapped, fingerprint';
    this.read = reader.query(SELECT);
    this.readForWriting = writer.query(SELECT);
    this.insert = writer.change(`INSERT INTO subject_keys (${columns}) VALUES (?, ?, 0, ?, ?, ?)`);
    this.insertFence = writer.change(`INSERT INTO subject_keys (${columns}) VALUES (?, ?, 1, NULL, NULL, NULL)`);
    this.erase = writer.change(
      'UPDATE subject_keys SET erased = 1, wrapped = zeroblob(length(wrapped)) WHERE subject = ? AND revision = ?',
    );
    this.readSecret = writer.query('SELECT master_key_id, wrapped, fingerprint FROM secrets WHERE name = ?');
    this.insertSecret = writer.change('INSERT INTO secrets VALUES (?, ?, ?, ?)');
    this.scrubber = new WalScrubber(database);
  }

  /** A crash may have come between the destruction of a key and the emptying of the write-ahead log. */
  static async open(database: SqliteDatabase): Promise<SqliteSubjectKeys> {
    const keys = new SqliteSubjectKeys(database);
    keys.scrubber.soiled();
    await keys.scrubber.scrub();
    return keys;
  }

  override find({ subject, revision }: KeyRef): Promise<KeyState> {
    return this.database.read(() => toState(this.read.get(subject, revision)));
  }

  override findMany(refs: readonly KeyRef[]): Promise<readonly KeyState[]> {
    return this.database.read(() => refs.map(({ subject, revision }) => toState(this.read.get(subject, revision))));
  }

  override create({ subject, revision }: KeyRef, key: WrappedKey): Promise<KeyState> {
    return this.database.write(() => {
      const standing = toState(this.readForWriting.get(subject, revision));
      if (standing.status !== 'none') return () => standing;
      return () => {
        this.insert.run(subject, revision, key.masterKeyId, key.wrapped, key.fingerprint);
        return { status: 'active', ...copyOf(key) };
      };
    });
  }

  /** When it resolves, the key is in no byte of the files, unless a reader in another process holds that up for long. */
  override async destroy({ subject, revision }: KeyRef): Promise<{ readonly fingerprint?: string }> {
    const mark = await this.database.write(() => {
      const standing = toState(this.readForWriting.get(subject, revision));
      const fingerprint = standing.status === 'none' ? undefined : standing.fingerprint;
      return () => {
        if (standing.status === 'none') this.insertFence.run(subject, revision);
        if (standing.status === 'active') this.erase.run(subject, revision);
        return { destroyed: standing.status === 'active', answer: fingerprint === undefined ? {} : { fingerprint } };
      };
    });
    if (mark.destroyed) this.scrubber.soiled();
    await this.scrubber.scrub();
    return mark.answer;
  }

  override secret(name: string, ifAbsent: WrappedKey): Promise<WrappedKey> {
    return this.database.write(() => {
      const row = this.readSecret.get(name);
      if (row !== undefined) {
        const [masterKeyId, wrapped, fingerprint] = row;
        return () => copyOf({ masterKeyId, wrapped, fingerprint });
      }
      return () => {
        this.insertSecret.run(name, ifAbsent.masterKeyId, ifAbsent.wrapped, ifAbsent.fingerprint);
        return copyOf(ifAbsent);
      };
    });
  }

  override health(): Promise<void> {
    return this.database.health();
  }

  /** The database is closed by who opened it, and is scrubbed then as well. */
  stop(): void {
    this.scrubber.stop();
  }
}

function toState(row: KeyRow | undefined): KeyState {
  if (row === undefined) return NONE;
  const [erased, masterKeyId, wrapped, fingerprint] = row;
  if (erased === 1) return { status: 'erased', ...(fingerprint !== null && { fingerprint }) };
  if (masterKeyId === null || wrapped === null || fingerprint === null)
    throw new Error('A subject key without its parts');
  return { status: 'active', ...copyOf({ masterKeyId, wrapped, fingerprint }) };
}

const copyOf = ({ masterKeyId, wrapped, fingerprint }: WrappedKey): WrappedKey => ({
  masterKeyId,
  wrapped: Uint8Array.from(wrapped),
  fingerprint,
});
