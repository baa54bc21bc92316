import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from './connection.js';
import { ConnectionClosed, isDamage } from './driver-errors.js';
import { FileMissing } from './file-in-place.js';
import { NOT_TEXT } from './exact-reading.js';

describe('a connection', () => {
  let connection: Connection;

  beforeEach(() => {
    connection = new Connection(':memory:', 0);
    connection.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, bytes BLOB)');
  });
  afterEach(() => connection.close());

  const put = (id: number, name: string | null, bytes: Uint8Array | null = null): unknown =>
    connection.change('INSERT INTO rows VALUES (?, ?, ?)').run(id, name, bytes);
  const all = (): unknown => connection.query('SELECT id, name, bytes FROM rows ORDER BY id').all();

  it('gives rows as arrays, with the values as they were stored', () => {
    put(1, 'ä€😀\ufffd', new Uint8Array([0, 255]));
    put(2, null);
    put(3, '', new Uint8Array());
    expect(all()).toEqual([
      [1, 'ä€😀\ufffd', new Uint8Array([0, 255])],
      [2, null, null],
      [3, '', new Uint8Array()],
    ]);
    expect(connection.query('SELECT name FROM rows WHERE id = ?').get(1)).toEqual(['ä€😀\ufffd']);
    expect(connection.query('SELECT name FROM rows WHERE id = ?').get(4)).toBeUndefined();
  });

  it.each(['80', '41ff', 'c3', 'e282', 'eda080', 'f8888080', '41c0af42'])(
    'reads the bytes %s, which are no text, as such, and the rows beside them as they are',
    (hex) => {
      put(1, 'before \ufffd');
      connection.exec(`INSERT INTO rows VALUES (2, CAST(x'${hex}' AS TEXT), NULL)`);
      put(3, 'after');
      expect(all()).toEqual([
        [1, 'before \ufffd', null],
        [2, NOT_TEXT, null],
        [3, 'after', null],
      ]);
      expect(connection.query('SELECT name FROM rows WHERE id = ?').get(2)).toEqual([NOT_TEXT]);
    },
  );

  it('reads a page with an integer that no number can hold', () => {
    put(1, 'a');
    connection.exec(`INSERT INTO rows VALUES (${2n ** 62n}, 'b', NULL)`);
    expect(all()).toEqual([
      [1, 'a', null],
      [2 ** 62, 'b', null],
    ]);
    expect(connection.query('SELECT max(id) FROM rows').get()).toEqual([2 ** 62]);
  });

  it('stores no text with a NUL, and finds by one what is equal and nothing else', () => {
    put(1, 'a');
    expect(() => put(2, 'a\0b')).toThrow(RangeError);
    const named = connection.query<[number]>('SELECT id FROM rows WHERE name = ? AND id >= ?');
    expect(named.get('a\0', 0)).toBeUndefined();
    expect(named.all('a\0b', 0)).toEqual([]);
    connection.exec("INSERT INTO rows VALUES (3, CAST(x'610062' AS TEXT), NULL)");
    expect(named.all('a\0b', 0)).toEqual([[3]]);
    expect(named.all('a', 0)).toEqual([[1]]);
  });

  it('refuses to store what is no SQL value', () => {
    const insert = connection.change('INSERT INTO rows VALUES (?, ?, ?)');
    for (const value of [undefined, {}, Symbol('x'), () => 1])
      expect(() => insert.run(...([1, value, null] as never[]))).toThrow();
    expect(all()).toEqual([]);
  });

  it('does nothing any more after it was closed', () => {
    const [query, change] = [connection.query('SELECT 1'), connection.change('DELETE FROM rows')];
    connection.close();
    connection.close();
    for (const use of [
      () => query.get(),
      () => query.all(),
      () => change.run(),
      () => connection.exec('SELECT 1'),
      () => connection.query('SELECT 2'),
    ])
      expect(use).toThrow(ConnectionClosed);
    expect(connection.inTransaction).toBe(false);
  });
});

describe('a connection to a file that was damaged and is whole again', () => {
  let folder: string;
  let file: string;
  let openings: boolean[];
  let connection: Connection;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'customers-'));
    file = join(folder, 'a.db');
    const made = new Connection(file, 0);
    made.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO rows VALUES (1, 'a')");
    made.close();
    openings = [];
    connection = new Connection(file, 0, (_, again) => openings.push(again));
  });
  afterEach(() => {
    connection.close();
    rmSync(folder, { recursive: true });
  });

  const failure = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };
  const patiently = async (work: () => unknown): Promise<unknown> => {
    for (const until = Date.now() + 5_000; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
      const result = failure(work);
      if (Array.isArray(result) || Date.now() > until) return result;
    }
  };

  it('opens it anew by itself, and goes on with the statements of before', async () => {
    const names = connection.query('SELECT name FROM rows');
    const insert = connection.change('INSERT INTO rows VALUES (?, ?)');
    const whole = readFileSync(file);
    writeFileSync(file, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(4096)]));
    expect(isDamage(failure(() => names.all()))).toBe(true);
    expect(openings).toEqual([false]);
    expect(isDamage(failure(() => names.all()))).toBe(true);
    expect(openings).toEqual([false, true]);
    // The next attempt waits a little: the file is left alone meanwhile.
    expect(isDamage(failure(() => names.all()))).toBe(true);
    expect(openings).toEqual([false, true]);
    writeFileSync(file, whole);
    expect(await patiently(() => names.all())).toEqual([['a']]);
    insert.run(2, 'b');
    expect(names.all()).toEqual([['a'], ['b']]);
    expect(connection.opening).toBe(openings.length - 1);
  });

  it('does not make another file in the place of one that is gone', async () => {
    const names = connection.query('SELECT name FROM rows');
    const whole = readFileSync(file);
    writeFileSync(file, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(4096)]));
    failure(() => names.all());
    renameSync(file, `${file}.moved`);
    expect(failure(() => names.all())).toBeInstanceOf(FileMissing);
    expect(failure(() => readFileSync(file))).toMatchObject({ code: 'ENOENT' });
    writeFileSync(`${file}.moved`, whole);
    renameSync(`${file}.moved`, file);
    expect(await patiently(() => names.all())).toEqual([['a']]);
  });
});
