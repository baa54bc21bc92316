import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from './connection.js';
import { type DatabaseOptions, SqliteDatabase } from './database.js';
import { damagedRows, rowChecksum } from './row-checksums.js';
import { eventsDatabase, SqliteEventStore } from './sqlite-event-store.js';
import {
  accessDatabase,
  auditDatabase,
  keysDatabase,
  receiptsDatabase,
  viewsDatabase,
  webhooksDatabase,
} from './sqlite-stores.js';
import { SqliteSubjectKeys } from './sqlite-subject-keys.js';

const KEY = { masterKeyId: 'm', wrapped: new Uint8Array([1, 2, 3]), fingerprint: 'f' };
const REF = { subject: 'c1', revision: 1 };

describe('a database file of a release before the checksums', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'customers-'));
    file = join(folder, 'a.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** As version 1 had it. */
  const setBack = ({ checked }: DatabaseOptions): void => {
    const connection = new Connection(file, 0);
    for (const { name } of checked?.(connection) ?? [])
      connection.exec(`DROP TRIGGER ${name}_changed; ALTER TABLE ${name} DROP COLUMN checksum`);
    connection.exec('PRAGMA user_version = 1');
    connection.close();
  };
  const inFile = <T>(work: (connection: Connection) => T): T => {
    const connection = new Connection(file, 0);
    try {
      return work(connection);
    } finally {
      connection.close();
    }
  };

  it.each(
    Object.entries({
      eventsDatabase,
      viewsDatabase,
      keysDatabase,
      accessDatabase,
      webhooksDatabase,
      auditDatabase,
      receiptsDatabase,
    }),
  )('is brought up to date in place: %s', async (_, settingsOf) => {
    const settings = settingsOf(file);
    await (await SqliteDatabase.open(settings)).close();
    const columns = (): unknown =>
      inFile((connection) =>
        (settings.checked?.(connection) ?? []).map(({ name }) =>
          connection.query('SELECT name, type FROM pragma_table_info(?)').all(name),
        ),
      );
    const made = columns();
    setBack(settings);
    expect(columns()).not.toEqual(made);
    await (await SqliteDatabase.open(settings)).close();
    expect(columns()).toEqual(made);
    expect(inFile((connection) => connection.number('PRAGMA user_version'))).toBe(2);
  });

  it('has its events as before, and a change of one by the disk is found from then on', async () => {
    const append = async (n: number): Promise<unknown> => {
      const store = await SqliteEventStore.open({ file });
      const event = { id: `e${n}`, type: 'Happened', data: { n }, metadata: {} };
      await store.append('s', n === 0 ? 'no_stream' : n - 1, [event]);
      const events = await store.read('s');
      await store.close();
      return events;
    };
    await append(0);
    const before = await append(1);
    setBack(eventsDatabase(file));
    expect(await append(2)).toEqual([...(before as unknown[]), expect.objectContaining({ data: { n: 2 } })]);
    inFile((connection) => {
      const [events] = eventsDatabase(file).checked?.(connection) ?? [];
      if (events === undefined) throw new Error('There is no such table');
      expect(damagedRows(connection, events)).toBe(0);
      // As the disk changes it: no trigger runs.
      connection.exec(`DROP TRIGGER events_changed; UPDATE events SET data = '{"n":7}' WHERE revision = 1`);
      expect(damagedRows(connection, events)).toBe(1);
    });
    const after = (await append(3)) as readonly { readonly unreadable?: true }[];
    expect(after.map(({ unreadable }) => unreadable)).toEqual([undefined, true, undefined, undefined]);
  });

  it('keeps the rows of keys as long as they are, also while a key is destroyed', async () => {
    const settings = keysDatabase(file);
    const withKeys = async <T>(work: (keys: SqliteSubjectKeys) => Promise<T>): Promise<T> => {
      const database = await SqliteDatabase.open(settings);
      const result = await work(await SqliteSubjectKeys.open(database));
      await database.close();
      return result;
    };
    await withKeys((keys) => keys.create(REF, KEY));
    setBack(settings);
    expect(await withKeys((keys) => keys.find(REF))).toEqual({ status: 'active', ...KEY });
    await withKeys((keys) => keys.destroy(REF));
    expect(inFile((connection) => connection.query('SELECT erased, checksum FROM subject_keys').all())).toEqual([
      [1, null],
    ]);
    await withKeys((keys) => keys.create({ ...REF, revision: 2 }, KEY));
    expect(inFile((connection) => connection.number('SELECT count(checksum) FROM subject_keys'))).toBe(1);
  });
});

describe('the checksum of a row', () => {
  it('is another for other values, also where they are divided otherwise', () => {
    const rows = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc'],
      ['abc', null],
      [1, 2],
      [12],
      ['1', '2'],
      [new Uint8Array([1])],
      [new Uint8Array([1, 0])],
      [null],
      [0],
      [''],
    ];
    expect(new Set(rows.map(rowChecksum)).size).toBe(rows.length);
  });

  it('takes as many bytes whatever it is', () => {
    for (let n = 0; n < 1_000; n += 1) {
      const sum = rowChecksum([n]);
      expect(sum).toBeGreaterThanOrEqual(2 ** 32);
      expect(sum).toBeLessThan(2 ** 47);
    }
  });
});
