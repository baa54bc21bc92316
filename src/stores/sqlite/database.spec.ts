import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { Connection } from './connection.js';
import { type DatabaseOptions, SqliteDatabase } from './database.js';

describe('a database file', () => {
  let folder: string;
  let options: DatabaseOptions;
  let database: SqliteDatabase;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'customers-'));
    options = {
      file: join(folder, 'a.db'),
      store: 'event_log',
      durability: 'full',
      secureDelete: true,
      schema: 'CREATE TABLE rows (id INTEGER PRIMARY KEY)',
      patienceMs: 200,
    };
    database = await SqliteDatabase.open(options);
  });
  afterEach(async () => {
    await database.close();
    rmSync(folder, { recursive: true });
  });

  const insert = (id: number): Promise<unknown> =>
    database.write(() => () => database.writer.exec(`INSERT INTO rows VALUES (${id})`));
  const count = (): Promise<number> => database.read(() => database.reader.number('SELECT count(*) FROM rows'));
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'no failure',
      (error: unknown) => error,
    );
  const expectUnavailable = async (work: Promise<unknown>): Promise<void> => {
    const error = await failure(work);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(error).toMatchObject({ store: 'event_log' });
  };

  it('writes ahead, waits for the disk and overwrites, as asked', () => {
    const { writer } = database;
    expect(writer.query('PRAGMA journal_mode').get()).toEqual(['wal']);
    expect(writer.number('PRAGMA synchronous')).toBe(2);
    expect(writer.number('PRAGMA secure_delete')).toBe(1);
    expect(writer.number('PRAGMA busy_timeout')).toBeLessThanOrEqual(50);
    expect(writer.number('PRAGMA temp_store')).toBe(2);
  });

  it('can be read and written by its owner only, with the files beside it', () => {
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(`${options.file}${suffix}`).mode & 0o777).toBe(0o600);
  });

  it('does not write by its reading connection', () => {
    expect(() => database.reader.exec('INSERT INTO rows VALUES (1)')).toThrow(/readonly/);
  });

  it('waits for the transaction of another process', async () => {
    const other = new Connection(options.file, 0);
    other.exec('BEGIN IMMEDIATE');
    const writing = insert(1);
    const released = new Promise<void>((resolve) =>
      setImmediate(() => {
        other.exec('INSERT INTO rows VALUES (2); COMMIT');
        resolve();
      }),
    );
    await Promise.all([writing, released]);
    expect(await count()).toBe(2);
    other.close();
  });

  it('gives up on a transaction that does not end, and has written nothing', async () => {
    const other = new Connection(options.file, 0);
    other.exec('BEGIN IMMEDIATE');
    const begun = performance.now();
    await expectUnavailable(insert(1));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(200);
    expect(await count()).toBe(0);
    other.exec('COMMIT');
    await insert(1);
    expect(await count()).toBe(1);
    other.close();
  });

  it('does not hold up the thread while it waits', async () => {
    const other = new Connection(options.file, 0);
    other.exec('BEGIN IMMEDIATE');
    let turns = 0;
    const watch = setInterval(() => (turns += 1), 1);
    await failure(insert(1));
    clearInterval(watch);
    expect(turns).toBeGreaterThan(5);
    other.close();
  });

  it('passes faults of the program on as they are', async () => {
    await insert(1);
    expect(await failure(insert(1))).toMatchObject({ errcode: 1555 });
    expect(await failure(database.read(() => database.reader.query('SELECT nothing FROM rows')))).toMatchObject({
      errcode: 1,
    });
  });

  it('is out of reach after it was closed, though the driver would go on', async () => {
    const query = database.reader.query('SELECT * FROM rows');
    await database.close();
    await expectUnavailable(database.read(() => query.all()));
    await expectUnavailable(insert(1));
  });

  it('finishes what waits to be written when it is closed', async () => {
    const writing = insert(1);
    await database.close();
    await writing;
    database = await SqliteDatabase.open(options);
    expect(await count()).toBe(1);
  });

  it('leaves the file whole when it is closed', async () => {
    await insert(1);
    await database.close();
    expect(statSync(`${options.file}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  });

  it('is not healthy when its file was moved away or replaced', async () => {
    await database.health();
    renameSync(options.file, `${options.file}.moved`);
    await expectUnavailable(database.health());
    writeFileSync(options.file, '');
    await expectUnavailable(database.health());
    renameSync(`${options.file}.moved`, options.file);
    await database.health();
  });

  it('cannot be opened where it is no database, or where there is no way to it', async () => {
    const junk = join(folder, 'junk.db');
    writeFileSync(junk, 'no database '.repeat(1000));
    await expectUnavailable(SqliteDatabase.open({ ...options, file: junk }));
    await expectUnavailable(SqliteDatabase.open({ ...options, file: folder }));
  });

  it('refuses a file that a newer release made', async () => {
    database.writer.exec('PRAGMA user_version = 7');
    await expect(SqliteDatabase.open(options)).rejects.toThrow(/newer release/);
  });

  it('is made once when many open it at the same moment', async () => {
    const many = await Promise.all(
      Array.from({ length: 8 }, () => SqliteDatabase.open({ ...options, file: join(folder, 'b.db') })),
    );
    await Promise.all(many.map((one, id) => one.write(() => () => one.writer.exec(`INSERT INTO rows VALUES (${id})`))));
    expect(many[0]?.reader.number('SELECT count(*) FROM rows')).toBe(8);
    for (const one of many) await one.close();
  });
});
