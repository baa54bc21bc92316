import { ApiKeys, type StoredApiKey } from '../../access/api-keys.js';
import { isScope } from '../../access/scopes.js';
import type { Change, Query } from './connection.js';
import type { SqliteDatabase } from './database.js';
import { CHECKSUM_TRIGGER, type CheckedTable, requireIntact, rowChecksum } from './row-checksums.js';

export const API_KEYS: CheckedTable = {
  name: 'api_keys',
  key: ['id'],
  columns: ['id', 'name', 'scopes', 'created_at', 'expires_at', 'revoked_at', 'secret_hash'],
};

export const API_KEYS_SCHEMA = `
  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    secret_hash TEXT NOT NULL UNIQUE,
    checksum INTEGER
  ) WITHOUT ROWID;
  ${CHECKSUM_TRIGGER(API_KEYS)}`;

type ApiKeyRow = readonly [string, string, string, number, number | null, number | null, string, number | null];
const SELECT = `SELECT ${API_KEYS.columns.join(', ')}, checksum FROM api_keys`;

/** In a database made with {@link API_KEYS_SCHEMA}. */
export class SqliteApiKeys extends ApiKeys {
  private readonly byHash: Query<ApiKeyRow>;
  private readonly all: Query<ApiKeyRow>;
  private readonly like: Query<[number]>;
  private readonly any: Query<[number]>;
  private readonly insert: Change;
  private readonly standing: Query<ApiKeyRow>;
  private readonly markRevoked: Change;

  constructor(private readonly database: SqliteDatabase) {
    super();
    const { reader, writer } = database;
    this.byHash = reader.query(`${SELECT} WHERE secret_hash = ?`);
    this.all = reader.query(`${SELECT} ORDER BY created_at, id`);
    this.like = writer.query('SELECT 1 FROM api_keys WHERE id = ? OR secret_hash = ?');
    this.any = writer.query('SELECT 1 FROM api_keys LIMIT 1');
    this.insert = writer.change('INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.standing = writer.query(`${SELECT} WHERE id = ? AND revoked_at IS NULL`);
    this.markRevoked = writer.change('UPDATE api_keys SET revoked_at = ?, checksum = ? WHERE id = ?');
  }

  override async findByHash(secretHash: string): Promise<StoredApiKey | undefined> {
    const row = await this.database.read(() => this.byHash.get(secretHash));
    return row && fromRow(row);
  }

  override async list(): Promise<readonly StoredApiKey[]> {
    return (await this.database.read(() => this.all.all())).map(fromRow);
  }

  override async add(key: StoredApiKey): Promise<void> {
    await this.database.write(() => {
      if (this.like.get(key.id, key.secretHash) !== undefined) throw new Error('There is such an API key already');
      return () => this.put(key);
    });
  }

  override addFirst(key: StoredApiKey): Promise<boolean> {
    return this.database.write(() => {
      if (this.any.get() !== undefined) return () => false;
      return () => {
        this.put(key);
        return true;
      };
    });
  }

  override revoke(id: string, at: number): Promise<boolean> {
    return this.database.write(() => {
      const row = this.standing.get(id);
      if (row === undefined) return () => false;
      const [, name, scopes, createdAt, expiresAt, , secretHash] = row;
      const sum = rowChecksum([id, name, scopes, createdAt, expiresAt, at, secretHash]);
      return () => this.markRevoked.run(at, sum, id).changes > 0;
    });
  }

  override health(): Promise<void> {
    return this.database.health();
  }

  private put({ id, name, scopes, createdAt, expiresAt, revokedAt, secretHash }: StoredApiKey): void {
    const row = [id, name, scopes.join(' '), createdAt, expiresAt ?? null, revokedAt ?? null, secretHash];
    this.insert.run(...row, rowChecksum(row));
  }
}

/** A scope that only a newer release knows gives no right in this one. @throws RowDamaged */
function fromRow(row: ApiKeyRow): StoredApiKey {
  const [id, name, scopes, createdAt, expiresAt, revokedAt, secretHash, checksum] = row;
  requireIntact(API_KEYS.name, row.slice(0, -1), checksum);
  return {
    id,
    name,
    scopes: scopes.split(' ').filter(isScope),
    createdAt,
    ...(expiresAt !== null && { expiresAt }),
    ...(revokedAt !== null && { revokedAt }),
    secretHash,
  };
}
