import { Binary, type Collection, type Db } from 'mongodb';
import {
  type KeyPurpose,
  type KeyRef,
  type KeyState,
  SubjectKeys,
  type WrappedKey,
  type WrappedPage,
} from '../../privacy/subject-keys.js';
import { againIfOvertaken, type CollectionPlan } from './collections.js';
import { type MongoConnection, SETUP_MS } from './mongo-connection.js';

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
/** By their fingerprints: a row that was copied back from a backup is known by it, and stays erased. */
const DESTROYED: CollectionPlan = {
  name: 'destroyed_keys',
  schema: { bsonType: 'object', required: ['_id'], properties: { _id: { bsonType: 'string' } } },
  indexes: [],
};
export const SUBJECT_KEY_COLLECTIONS: readonly CollectionPlan[] = [KEYS, SECRETS, DESTROYED];

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
    return this.run(async (db) => {
      const [state = NONE] = await withoutCopies(db, [toState(await keysOf(db).findOne({ _id: { $eq: idOf(ref) } }))]);
      return state;
    });
  }

  override findMany(refs: readonly KeyRef[]): Promise<readonly KeyState[]> {
    return this.run(async (db) => {
      const ids = refs.map(idOf);
      const found = await keysOf(db)
        .find({ _id: { $in: ids } }, { batchSize: ids.length + 1 })
        .toArray();
      const standing = await withoutCopies(db, found.map(toState));
      const states = new Map(found.map(({ _id }, at) => [_id, standing[at]]));
      return ids.map((id) => states.get(id) ?? NONE);
    });
  }

  override async create(ref: KeyRef, key: WrappedKey): Promise<KeyState> {
    const made = { ...ref, erased: false, ...toStored(key) };
    const standing = await this.upsert(ref, { $setOnInsert: made });
    if (standing.status === 'active' && standing.fingerprint === key.fingerprint) return standing;
    const [state = NONE] = await this.run((db) => withoutCopies(db, [standing]));
    return state;
  }

  override async destroy(ref: KeyRef): Promise<{ readonly fingerprint?: string }> {
    const state = await this.upsert(ref, {
      $set: { erased: true },
      $unset: { wrapped: '', masterKeyId: '' },
      $setOnInsert: { ...ref },
    });
    const fingerprint = state.status === 'erased' ? state.fingerprint : undefined;
    if (fingerprint === undefined) return {};
    // After the fence, which so is never missing: whoever is killed in between comes back to both.
    await this.run((db) =>
      againIfOvertaken(() => destroyedOf(db).replaceOne({ _id: { $eq: fingerprint } }, {}, { upsert: true })),
    );
    return { fingerprint };
  }

  override secret(name: string, ifAbsent: WrappedKey): Promise<WrappedKey> {
    return this.run(async (db) => {
      const standing = await againIfOvertaken(() =>
        secretsOf(db).findOneAndUpdate(
          { _id: { $eq: name } },
          { $setOnInsert: toStored(ifAbsent) },
          { upsert: true, returnDocument: 'after' },
        ),
      );
      return fromStored(standing);
    });
  }

  /** In the order of `_id`. */
  override notWrappedBy(masterKeyId: string, limit: number, after?: string): Promise<WrappedPage> {
    return this.run(async (db) => {
      const other = { masterKeyId: { $ne: masterKeyId } };
      const from = { ...other, erased: { $eq: false }, ...(after !== undefined && { _id: { $gt: after } }) };
      const secrets = after === undefined ? await secretsOf(db).find(other).toArray() : [];
      const living = await keysOf(db).find(from).sort({ _id: 1 }).limit(limit).toArray();
      const next = living.at(-1)?._id;
      const keys = [
        ...secrets.map((stored) => ({ purpose: { secret: stored._id }, key: fromStored(stored) })),
        ...living.map(({ subject, revision, ...stored }) => ({
          purpose: { subject, revision },
          key: fromStored(stored),
        })),
      ];
      return { keys, ...(next !== undefined && { next }) };
    }, SETUP_MS);
  }

  override rewrap(purpose: KeyPurpose, standing: WrappedKey, rewrapped: WrappedKey): Promise<boolean> {
    const { masterKeyId, wrapped } = toStored(rewrapped);
    const update = { $set: { masterKeyId, wrapped } };
    const same = { wrapped: { $eq: toStored(standing).wrapped } };
    return this.run(async (db) => {
      const { matchedCount } =
        'secret' in purpose
          ? await secretsOf(db).updateOne({ _id: { $eq: purpose.secret }, ...same }, update)
          : await keysOf(db).updateOne({ _id: { $eq: idOf(purpose) }, erased: { $eq: false }, ...same }, update);
      return matchedCount === 1;
    });
  }

  override countByMasterKey(): Promise<ReadonlyMap<string, number>> {
    return this.run(async (db) => {
      const counts = new Map<string, number>();
      for (const [collection, filter] of [
        [KEYS.name, { erased: { $eq: false } }],
        [SECRETS.name, {}],
      ] as const) {
        const groups = [{ $match: filter }, { $group: { _id: '$masterKeyId', count: { $sum: 1 } } }];
        for await (const { _id, count } of db.collection(collection).aggregate<{ _id: string; count: number }>(groups))
          counts.set(_id, (counts.get(_id) ?? 0) + count);
      }
      return counts;
    }, SETUP_MS);
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

  private run<T>(work: (db: Db) => Promise<T>, ms?: number): Promise<T> {
    return this.connection.run('subject_keys', work, ms);
  }
}

const keysOf = (db: Db): Collection<SubjectKeyDocument> => db.collection<SubjectKeyDocument>(KEYS.name);

const destroyedOf = (db: Db): Collection<{ readonly _id: string }> => db.collection(DESTROYED.name);

const NONE: KeyState = { status: 'none' };

/** Costs a look-up where a key is active. */
async function withoutCopies(db: Db, states: readonly KeyState[]): Promise<readonly KeyState[]> {
  const fingerprints = states.flatMap((state) => (state.status === 'active' ? [state.fingerprint] : []));
  if (fingerprints.length === 0) return states;
  const found = await destroyedOf(db)
    .find({ _id: { $in: fingerprints } })
    .toArray();
  const destroyed = new Set(found.map(({ _id }) => _id));
  return states.map((state) =>
    state.status === 'active' && destroyed.has(state.fingerprint)
      ? { status: 'erased', fingerprint: state.fingerprint }
      : state,
  );
}

const secretsOf = (db: Db): Collection<SecretDocument> => db.collection<SecretDocument>(SECRETS.name);

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
