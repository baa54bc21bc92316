import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { scale } from '../../../test/support/scale.js';
import type { KeyRef, WrappedKey } from '../../privacy/subject-keys.js';
import { Connection } from './connection.js';
import { SqliteDatabase } from './database.js';
import { keysDatabase } from './sqlite-stores.js';
import { SqliteSubjectKeys } from './sqlite-subject-keys.js';

describe('the file of the subject keys', () => {
  let folder: string;
  let file: string;
  let database: SqliteDatabase;
  let keys: SqliteSubjectKeys;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'customers-'));
    file = join(folder, 'keys.db');
    database = await SqliteDatabase.open(keysDatabase(file));
    keys = await SqliteSubjectKeys.open(database);
  });
  afterEach(async () => {
    keys.stop();
    await database.close();
    rmSync(folder, { recursive: true });
  });

  const keyOf = (masterKeyId = 'm1'): WrappedKey => ({
    masterKeyId,
    wrapped: Uint8Array.from(randomBytes(60)),
    fingerprint: randomBytes(32).toString('hex'),
  });
  /** A copy made by another process: opening the files here would drop this process's locks on them. */
  const bytes = (): Buffer => {
    const copy = mkdtempSync(join(tmpdir(), 'customers-copy-'));
    execFileSync('cp', ['-r', `${folder}/.`, copy]);
    const all = Buffer.concat(readdirSync(copy).map((name) => readFileSync(join(copy, name))));
    rmSync(copy, { recursive: true });
    return all;
  };
  /** Any eight bytes in a row of it would do to know it by. */
  const traceOf = ({ wrapped }: WrappedKey, all: Buffer): boolean =>
    [0, 17, 35, 52].some((start) => all.includes(Buffer.from(wrapped.slice(start, start + 8))));

  it('holds a key in some byte while it stands, and in none after it was destroyed', async () => {
    const [kept, gone] = [keyOf(), keyOf()];
    await keys.create({ subject: 'kept', revision: 1 }, kept);
    await keys.create({ subject: 'gone', revision: 1 }, gone);
    expect([kept, gone].map((key) => traceOf(key, bytes()))).toEqual([true, true]);
    await keys.destroy({ subject: 'gone', revision: 1 });
    expect([kept, gone].map((key) => traceOf(key, bytes()))).toEqual([true, false]);
  });

  it('holds no trace of any destroyed key, however many were made and destroyed in whatever order', async () => {
    const made: { readonly ref: KeyRef; key: WrappedKey }[] = [];
    const gone: WrappedKey[] = [];
    const rounds = scale(12, 100);
    for (let round = 0; round < rounds; round += 1) {
      const added = Array.from({ length: 150 }, (_, n) => ({
        // Random, so that the index on it splits its pages everywhere; of many lengths, so that rows do not line up.
        ref: { subject: randomBytes(1 + ((n * 7) % 20)).toString('hex') + String(n), revision: round },
        key: keyOf(),
      }));
      made.push(...added);
      await Promise.all(added.map(({ ref, key }) => keys.create(ref, key)));
      // As a rotation does, to ids of all lengths: a row that grew would move, and leave its bytes behind.
      const anew = Array.from({ length: 60 }, () => made[Math.floor(Math.random() * made.length)]);
      for (const entry of new Set(anew)) {
        if (entry === undefined) continue;
        const key = { ...keyOf('m'.repeat(round % 2 === 0 ? 64 : 1)), fingerprint: entry.key.fingerprint };
        expect(await keys.rewrap(entry.ref, entry.key, key)).toBe(true);
        gone.push(entry.key);
        entry.key = key;
      }
      const ending = Array.from({ length: 100 }, () => made.splice(Math.floor(Math.random() * made.length), 1)).flat();
      await Promise.all(ending.map(({ ref }) => keys.destroy(ref)));
      gone.push(...ending.map(({ key }) => key));
    }
    const all = bytes();
    expect(made.filter(({ key }) => !traceOf(key, all))).toEqual([]);
    expect(gone.filter((key) => traceOf(key, all))).toEqual([]);
  });

  it('removes the last trace once a reader in another process lets go', async () => {
    const key = keyOf();
    await keys.create({ subject: 'gone', revision: 1 }, key);
    const other = new Connection(file, 0);
    other.exec('BEGIN');
    other.number('SELECT count(*) FROM subject_keys');
    const attempts = jest.spyOn(database, 'emptyWriteAheadLog');
    let destroyed = false;
    const destroying = keys.destroy({ subject: 'gone', revision: 1 }).then(() => (destroyed = true));
    while (attempts.mock.calls.length < 3 && !destroyed) await turn();
    // The fence is up; only the answer waits.
    expect(await keys.find({ subject: 'gone', revision: 1 })).toMatchObject({ status: 'erased' });
    expect(traceOf(key, bytes())).toBe(true);
    expect(destroyed).toBe(false);
    other.exec('COMMIT');
    await destroying;
    expect(traceOf(key, bytes())).toBe(false);
    other.close();
  });

  it('removes at the next opening what a crash left in the write-ahead log', async () => {
    const key = keyOf();
    await keys.create({ subject: 'gone', revision: 1 }, key);
    const row = 'UPDATE subject_keys SET erased = 1, wrapped = zeroblob(length(wrapped))';
    await database.write(() => () => database.writer.exec(row));
    expect(traceOf(key, bytes())).toBe(true);
    const again = await SqliteDatabase.open(keysDatabase(file));
    (await SqliteSubjectKeys.open(again)).stop();
    expect(traceOf(key, bytes())).toBe(false);
    await again.close();
  });

  it('leaves no trace of what stood in a file from before ids were padded', async () => {
    const made = Array.from({ length: scale(500, 10_000) }, () => ({
      ref: { subject: randomBytes(8).toString('hex'), revision: 1 },
      key: keyOf('m'),
    }));
    await Promise.all(made.map(({ ref, key }) => keys.create(ref, key)));
    const unpadded = 'UPDATE subject_keys SET master_key_id = rtrim(master_key_id)';
    await database.write(() => () => database.writer.exec(unpadded));
    // Close together, as they were made: now each grows.
    database.writer.exec('VACUUM');
    keys.stop();
    await database.close();
    database = await SqliteDatabase.open(keysDatabase(file));
    keys = await SqliteSubjectKeys.open(database);
    const rewrapped = made.map(({ key: { fingerprint } }) => ({ ...keyOf('m'.repeat(64)), fingerprint }));
    const done = made.map(({ ref, key }, at) => keys.rewrap(ref, key, rewrapped[at] ?? key));
    expect(new Set(await Promise.all(done))).toEqual(new Set([true]));
    await Promise.all(made.map(({ ref }) => keys.destroy(ref)));
    const all = bytes();
    expect([...made.map(({ key }) => key), ...rewrapped].filter((key) => traceOf(key, all))).toEqual([]);
  });

  it('destroys what is destroyed together in one transaction', async () => {
    const refs = Array.from({ length: 50 }, (_, n) => ({ subject: `s${n}`, revision: 1 }));
    await Promise.all(refs.map((ref) => keys.create(ref, keyOf())));
    const frames = (): number =>
      database.writer.query<[number, number, number]>('PRAGMA wal_checkpoint').get()?.[1] ?? 0;
    await Promise.all(refs.map((ref) => keys.destroy(ref)));
    expect(frames()).toBe(0);
    expect(await keys.findMany(refs)).toHaveLength(50);
  });
});
