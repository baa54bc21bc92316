import { Connection } from './connection.js';
import { ConnectionClosed } from './driver-errors.js';
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
