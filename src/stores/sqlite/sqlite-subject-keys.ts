import {
  type KeyPurpose,
  type KeyRef,
  type KeyState,
  SubjectKeys,
  type WrappedKey,
  type WrappedPage,
} from '../../privacy/subject-keys.js';
import type { Change, Query } from './connection.js';
import type { SqliteDatabase } from './database.js';
import {
  copyOf,
  erasedChecksum,
  fromRow,
  KEY_TABLES,
  type KeyRow,
  OVERWRITE_CHECKSUM,
  padded,
  stateOf,
  toState,
} from './key-rows.js';
import { CHECKSUM_TRIGGER, requireIntact, rowChecksum } from './row-checksums.js';
import { WalScrubber } from './wal-scrubber.js';

/**
 * Rows are only ever added at the end and overwritten at the same length, so that a key keeps its one place in the file.
 * What `secure_delete` does with bytes that move when a page is split, SQLite does not promise. So the id of the master
 * key, which a rotation exchanges, is filled up with spaces ({@link padded}).
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
    checksum INTEGER,
    UNIQUE (subject, revision)
  );
  CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    master_key_id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    fingerprint TEXT NOT NULL,
    checksum INTEGER
  );
  ${KEY_TABLES.map(CHECKSUM_TRIGGER).join(';')}`;

type LivingRow = readonly [
  number: number,
  subject: string,
  revision: number,
  masterKeyId: string | null,
  wrapped: Uint8Array | null,
  fingerprint: string | null,
];
type NamedSecretRow = readonly [name: string, masterKeyId: string, wrapped: Uint8Array, fingerprint: string];
type SecretRow = readonly [checksum: number | null, masterKeyId: string, wrapped: Uint8Array, fingerprint: string];
/** A row may have been copied back from a backup: what was destroyed once is known by its fingerprint, and stays erased. */
const SELECT = `
  SELECT EXISTS (SELECT 1 FROM destroyed_keys d WHERE d.fingerprint = k.fingerprint),
    checksum, erased, master_key_id, wrapped, fingerprint
  FROM subject_keys k WHERE subject = ? AND revision = ?`;
const DESTROYED_KEYS = `
  CREATE TABLE IF NOT EXISTS destroyed_keys (fingerprint TEXT PRIMARY KEY) WITHOUT ROWID;
  INSERT OR IGNORE INTO destroyed_keys
  SELECT fingerprint FROM subject_keys WHERE erased = 1 AND fingerprint IS NOT NULL`;

/** In a database made with {@link SUBJECT_KEYS_SCHEMA} and `secureDelete`. */
export class SqliteSubjectKeys extends SubjectKeys {
  private readonly read: Query<KeyRow>;
  private readonly readForWriting: Query<KeyRow>;
  private readonly insert: Change;
  private readonly insertFence: Change;
  private readonly erase: Change;
  private readonly remember: Change;
  private readonly readSecret: Query<SecretRow>;
  private readonly insertSecret: Change;
  private readonly rewrapKey: Change;
  private readonly rewrapSecret: Change;
  private readonly living: Query<LivingRow>;
  private readonly secrets: Query<NamedSecretRow>;
  private readonly counts: Query<[string, number]>;
  private readonly scrubber: WalScrubber;

  private constructor(private readonly database: SqliteDatabase) {
    super();
    const { reader, writer } = database;
    const columns = 'subject, revision, erased, master_key_id, wrapped, fingerprint, checksum';
    this.read = reader.query(SELECT);
    this.readForWriting = writer.query(SELECT);
    this.insert = writer.change(`INSERT INTO subject_keys (${columns}) VALUES (?, ?, 0, ?, ?, ?, ?)`);
    this.insertFence = writer.change(`INSERT INTO subject_keys (${columns}) VALUES (?, ?, 1, NULL, NULL, NULL, ?)`);
    this.erase = writer.change(
      `UPDATE subject_keys SET erased = 1, wrapped = zeroblob(length(wrapped)), ${OVERWRITE_CHECKSUM} WHERE subject = ? AND revision = ? AND erased = 0`,
    );
    this.remember = writer.change('INSERT OR IGNORE INTO destroyed_keys VALUES (?)');
    this.readSecret = writer.query('SELECT checksum, master_key_id, wrapped, fingerprint FROM secrets WHERE name = ?');
    this.insertSecret = writer.change(
      'INSERT INTO secrets (name, master_key_id, wrapped, fingerprint, checksum) VALUES (?, ?, ?, ?, ?)',
    );
    this.rewrapKey = writer.change(
      `UPDATE subject_keys SET master_key_id = ?, wrapped = ?, ${OVERWRITE_CHECKSUM} WHERE subject = ? AND revision = ? AND erased = 0 AND wrapped = ?`,
    );
    this.rewrapSecret = writer.change(
      `UPDATE secrets SET master_key_id = ?, wrapped = ?, ${OVERWRITE_CHECKSUM} WHERE name = ? AND wrapped = ?`,
    );
    this.living = reader.query(
      `SELECT number, subject, revision, master_key_id, wrapped, fingerprint FROM subject_keys
       WHERE number > ? AND erased = 0 AND rtrim(master_key_id) <> ? ORDER BY number LIMIT ?`,
    );
    this.secrets = reader.query(
      'SELECT name, master_key_id, wrapped, fingerprint FROM secrets WHERE rtrim(master_key_id) <> ? ORDER BY name',
    );
    this.counts = reader.query(
      `SELECT rtrim(master_key_id), count(*) FROM
       (SELECT master_key_id FROM subject_keys WHERE erased = 0 UNION ALL SELECT master_key_id FROM secrets) GROUP BY 1`,
    );
    this.scrubber = new WalScrubber(database);
  }

  /** A crash may have come between the destruction of a key and the emptying of the write-ahead log. */
  static async open(database: SqliteDatabase): Promise<SqliteSubjectKeys> {
    // Not there in a file that was made before copies were refused.
    await database.write(() => () => database.writer.exec(DESTROYED_KEYS));
    const keys = new SqliteSubjectKeys(database);
    keys.scrubber.soiled();
    await keys.scrubber.scrub();
    return keys;
  }

  override find(ref: KeyRef): Promise<KeyState> {
    return this.database.read(() => toState(ref, this.read.get(ref.subject, ref.revision)));
  }

  override findMany(refs: readonly KeyRef[]): Promise<readonly KeyState[]> {
    return this.database.read(() => refs.map((ref) => toState(ref, this.read.get(ref.subject, ref.revision))));
  }

  override create({ subject, revision }: KeyRef, key: WrappedKey): Promise<KeyState> {
    return this.database.write(() => {
      const standing = toState({ subject, revision }, this.readForWriting.get(subject, revision));
      if (standing.status !== 'none') return () => standing;
      return () => {
        const stored = [padded(key.masterKeyId), key.wrapped, key.fingerprint] as const;
        this.insert.run(subject, revision, ...stored, rowChecksum([subject, revision, 0, ...stored]));
        return { status: 'active', ...copyOf(key) };
      };
    });
  }

  /** When it resolves, the key is in no byte of the files, unless a reader in another process holds that up for long. */
  override async destroy({ subject, revision }: KeyRef): Promise<{ readonly fingerprint?: string }> {
    const mark = await this.database.write(() => {
      const row = this.readForWriting.get(subject, revision);
      const standing = stateOf(row);
      const fingerprint = standing.status === 'none' ? undefined : standing.fingerprint;
      return () => {
        if (standing.status === 'none')
          this.insertFence.run(subject, revision, rowChecksum([subject, revision, 1, null, null, null]));
        if (fingerprint !== undefined) this.remember.run(fingerprint);
        const destroyed = this.erase.run(erasedChecksum({ subject, revision }, row), subject, revision).changes > 0;
        return { destroyed, answer: fingerprint === undefined ? {} : { fingerprint } };
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
        const [checksum, ...secret] = row;
        requireIntact('secrets', [name, ...secret], checksum);
        return () => fromRow(...secret);
      }
      return () => {
        const stored = [name, padded(ifAbsent.masterKeyId), ifAbsent.wrapped, ifAbsent.fingerprint] as const;
        this.insertSecret.run(...stored, rowChecksum(stored));
        return copyOf(ifAbsent);
      };
    });
  }

  override notWrappedBy(masterKeyId: string, limit: number, after?: string): Promise<WrappedPage> {
    return this.database.read(() => {
      const secrets = after === undefined ? this.secrets.all(masterKeyId) : [];
      const rows = this.living.all(Number(after ?? 0), masterKeyId, limit);
      const last = rows.at(-1)?.[0];
      const keys = [
        ...secrets.map(([secret, ...key]) => ({ purpose: { secret }, key: fromRow(...key) })),
        ...rows.map(([, subject, revision, ...key]) => ({ purpose: { subject, revision }, key: fromRow(...key) })),
      ];
      return { keys, ...(last !== undefined && { next: String(last) }) };
    });
  }

  override rewrap(purpose: KeyPurpose, standing: WrappedKey, { masterKeyId, wrapped }: WrappedKey): Promise<boolean> {
    const stored = [padded(masterKeyId), wrapped] as const;
    return this.database.write(() => () => {
      if ('secret' in purpose) {
        const sum = rowChecksum([purpose.secret, ...stored, standing.fingerprint]);
        return this.rewrapSecret.run(...stored, sum, purpose.secret, standing.wrapped).changes === 1;
      }
      const { subject, revision } = purpose;
      const sum = rowChecksum([subject, revision, 0, ...stored, standing.fingerprint]);
      return this.rewrapKey.run(...stored, sum, subject, revision, standing.wrapped).changes === 1;
    });
  }

  override countByMasterKey(): Promise<ReadonlyMap<string, number>> {
    return this.database.read(() => new Map(this.counts.all()));
  }

  override health(): Promise<void> {
    return this.database.health();
  }

  /** The database is closed by who opened it, and is scrubbed then as well. */
  stop(): void {
    this.scrubber.stop();
  }
}
