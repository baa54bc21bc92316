import type { Collection, Db } from 'mongodb';
import { ApiKeys, type StoredApiKey } from '../../access/api-keys.js';
import { isScope } from '../../access/scopes.js';
import { type CollectionPlan, unlessTaken } from './collections.js';
import type { MongoConnection } from './mongo-connection.js';

interface ApiKeyDocument {
  /** The key's id, or {@link FIRST}. */
  readonly _id: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  readonly secretHash: string;
}

const PLAN: CollectionPlan = {
  name: 'api_keys',
  schema: {
    bsonType: 'object',
    required: ['id', 'name', 'scopes', 'createdAt', 'secretHash'],
    properties: {
      id: { bsonType: 'string' },
      name: { bsonType: 'string' },
      scopes: { bsonType: 'array', items: { bsonType: 'string' } },
      createdAt: { bsonType: 'number' },
      expiresAt: { bsonType: 'number' },
      revokedAt: { bsonType: 'number' },
      secretHash: { bsonType: 'string' },
    },
  },
  indexes: [
    { name: 'id', key: { id: 1 }, unique: true },
    { name: 'secretHash', key: { secretHash: 1 }, unique: true },
  ],
};
export const API_KEY_COLLECTIONS: readonly CollectionPlan[] = [PLAN];

/** There is one place for the first key: of many who want to put theirs there, the id lets one. */
const FIRST = 'first';

/** In a database with {@link API_KEY_COLLECTIONS}. */
export class MongoApiKeys extends ApiKeys {
  constructor(private readonly connection: MongoConnection) {
    super();
  }

  override async findByHash(secretHash: string): Promise<StoredApiKey | undefined> {
    const found = await this.run((db) => apiKeysOf(db).findOne({ secretHash: { $eq: secretHash } }));
    return found === null ? undefined : fromDocument(found);
  }

  override async list(): Promise<readonly StoredApiKey[]> {
    const found = await this.run((db) =>
      apiKeysOf(db)
        .find({}, { sort: { createdAt: 1, id: 1 } })
        .toArray(),
    );
    return found.map(fromDocument);
  }

  override async add(key: StoredApiKey): Promise<void> {
    if (!(await this.insert(key.id, key))) throw new Error('There is such an API key already');
  }

  /** One that is added meanwhile in another way counts as added after it. */
  override async addFirst(key: StoredApiKey): Promise<boolean> {
    const any = await this.run((db) => apiKeysOf(db).findOne({}, { projection: { _id: 1 } }));
    return any === null && this.insert(FIRST, key);
  }

  override async revoke(id: string, at: number): Promise<boolean> {
    const filter = { id: { $eq: id }, revokedAt: { $exists: false } };
    const { matchedCount } = await this.run((db) => apiKeysOf(db).updateOne(filter, { $set: { revokedAt: at } }));
    return matchedCount === 1;
  }

  override async health(): Promise<void> {
    await this.connection.ping('api_keys');
  }

  /** @returns false when there is one like it: of this place, this id or this secret */
  private async insert(_id: string, key: StoredApiKey): Promise<boolean> {
    const inserted = await this.run((db) => unlessTaken(() => apiKeysOf(db).insertOne(toDocument(_id, key))));
    return inserted !== undefined;
  }

  private run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.connection.run('api_keys', work);
  }
}

const apiKeysOf = (db: Db): Collection<ApiKeyDocument> => db.collection<ApiKeyDocument>(PLAN.name);

const toDocument = (_id: string, key: StoredApiKey): ApiKeyDocument => {
  const { id, name, scopes, createdAt, expiresAt, revokedAt, secretHash } = key;
  return {
    _id,
    id,
    name,
    scopes: [...scopes],
    createdAt,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(revokedAt !== undefined && { revokedAt }),
    secretHash,
  };
};

/** A scope that only a newer release knows gives no right in this one. */
function fromDocument({ _id, scopes, ...key }: ApiKeyDocument): StoredApiKey {
  return { ...key, scopes: scopes.filter(isScope) };
}
