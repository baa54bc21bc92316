import { Binary, type Collection, type Db } from 'mongodb';
import { type KeyRef, type KeyState, SubjectKeys, type WrappedKey } from '../../privacy/subject-keys.js';
import { againIfOvertaken, type CollectionPlan } from './collections.js';
import type { MongoConnection } from './mongo-connection.js';

interface StoredKey {
  readonly masterKeyId: string;
  readonly wrapped: Binary;
  readonly fingerprint: string;
}

/** Of an erased one nothing is left but, where there was a key, its fingerprint. */
interface SubjectKeyDocument extends Partial<StoredKey> {
  readonly _id: string;
  readonly subject: string;
  readonly revision: number;
  readonly erased: boolean;
}

interface SecretDocument extends StoredKey {
  readonly _id: string;
}

const STORED_KEY = {
  masterKeyId: { bsonType: 'string' },
  wrapped: { bsonType: 'binData' },
  fingerprint: { bsonType: 'string' },
} as const;
const PARTS = Object.keys(STORED_KEY);

const KEYS: CollectionPlan = {
  name: 'subject_keys',
  schema: {
    bsonType: 'object',
    required: ['_id', 'subject', 'revision', 'erased'],
    properties: {
      _id: { bsonType: 'string' },
      subject: { bsonType: 'string' },
      revision: { bsonType: 'number', minimum: 1 },
      erased: { bsonType: 'bool' },
      ...STORED_KEY,
    },
    oneOf: [
      { properties: { erased: { enum: [false] } }, required: PARTS },
      { properties: { erased: { enum: [true] } }, not: { required: ['wrapped'] } },
    ],
  },
  indexes: [],
};
const SECRETS: CollectionPlan = {
  name: 'secrets',
  schema: {
    bsonType: 'object',
    required: ['_id', ...PARTS],
    properties: { _id: { bsonType: 'string' }, ...STORED_KEY },
  },
  indexes: [],
};
export const SUBJECT_KEY_COLLECTIONS: readonly CollectionPlan[] = [KEYS, SECRETS];

/**
 * In a database of its own with {@link SUBJECT_KEY_COLLECTIONS}. Each change is one operation on one document, and is on
 * the disks of most of the servers before it is answered; what is read is so too. So no key can be seen, and used to
 * seal, that an election takes back.
 */
export class MongoSubjectKeys extends SubjectKeys {
  constructor(private readonly connection: MongoConnection) {
    super();
  }

  override find(ref: KeyRef): Promise<KeyState> {
    return this.run(async (db) => toState(await keysOf(db).findOne({ _id: { $eq: idOf(ref) } })));
  }

  override findMany(refs: readonly KeyRef[]): Promise<readonly KeyState[]> {
    return this.run(async (db) => {
      const ids = refs.map(idOf);
      const found = await keysOf(db)
        .find({ _id: { $in: ids } }, { batchSize: ids.length + 1 })
        .toArray();
      const states = new Map(found.map((document) => [document._id, toState(document)]));
      return ids.map((id) => states.get(id) ?? { status: 'none' });
    });
  }

  override create(ref: KeyRef, key: WrappedKey): Promise<KeyState> {
    const made = { ...ref, erased: false, ...toStored(key) };
    return this.upsert(ref, { $setOnInsert: made });
  }

  override async destroy(ref: KeyRef): Promise<{ readonly fingerprint?: string }> {
    const state = await this.upsert(ref, {
      $set: { erased: true },
      $unset: { wrapped: '', masterKeyId: '' },
      $setOnInsert: { ...ref },
    });
    return state.status === 'erased' && state.fingerprint !== undefined ? { fingerprint: state.fingerprint } : {};
  }

  override secret(name: string, ifAbsent: WrappedKey): Promise<WrappedKey> {
    return this.run(async (db) => {
      const standing = await againIfOvertaken(() =>
        db
          .collection<SecretDocument>(SECRETS.name)
          .findOneAndUpdate(
            { _id: { $eq: name } },
            { $setOnInsert: toStored(ifAbsent) },
            { upsert: true, returnDocument: 'after' },
          ),
      );
      return fromStored(standing);
    });
  }

  override async health(): Promise<void> {
    await this.connection.ping('subject_keys');
  }

  private upsert(
    ref: KeyRef,
    update: Parameters<Collection<SubjectKeyDocument>['findOneAndUpdate']>[1],
  ): Promise<KeyState> {
    return this.run(async (db) => {
      const filter = { _id: { $eq: idOf(ref) } };
      return toState(
        await againIfOvertaken(() =>
          keysOf(db).findOneAndUpdate(filter, update, { upsert: true, returnDocument: 'after' }),
        ),
      );
    });
  }

  private run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.connection.run('subject_keys', work);
  }
}

const keysOf = (db: Db): Collection<SubjectKeyDocument> => db.collection<SubjectKeyDocument>(KEYS.name);

/** Unambiguous: digits, and then all the rest. */
const idOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;

function toState(document: SubjectKeyDocument | null): KeyState {
  if (document === null) return { status: 'none' };
  const { erased, fingerprint } = document;
  if (erased) return { status: 'erased', ...(fingerprint !== undefined && { fingerprint }) };
  return { status: 'active', ...fromStored(document) };
}

const toStored = ({ masterKeyId, wrapped, fingerprint }: WrappedKey): StoredKey => ({
  masterKeyId,
  wrapped: new Binary(Uint8Array.from(wrapped)),
  fingerprint,
});

function fromStored(stored: Partial<StoredKey> | null): WrappedKey {
  const { masterKeyId, wrapped, fingerprint } = stored ?? {};
  if (masterKeyId === undefined || !(wrapped instanceof Binary) || fingerprint === undefined)
    throw new Error('A key without its parts');
  return { masterKeyId, wrapped: Uint8Array.from(wrapped.value()), fingerprint };
}
