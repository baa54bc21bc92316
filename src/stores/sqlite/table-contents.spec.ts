import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from './connection.js';
import { withTables } from './table-contents.js';

describe('the contents of tables', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'customers-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are every byte of every value, in text that holds a NUL or is no text as well', () => {
    const file = join(folder, 'a.db');
    const connection = new Connection(file, 0);
    connection.exec(`
      CREATE TABLE numbered (name TEXT, "a ""column""" BLOB, size INTEGER);
      INSERT INTO numbered VALUES (CAST(x'61006265686e64' AS TEXT), x'ff00', 12), (CAST(x'80' AS TEXT), NULL, -1);
      CREATE TABLE named (name TEXT PRIMARY KEY) WITHOUT ROWID;
      INSERT INTO named VALUES ('n1')`);
    connection.close();
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    const found = withTables(file, (tables) =>
      tables.map(({ name, rows, pieces }) => [name, rows, [...pieces()].flat().map(hex)]),
    );
    expect(found).toEqual([
      ['named', 1, ['6e3100']],
      ['numbered', 2, ['61006265686e6400ff0000313200', '8000002d3100']],
    ]);
  });
});
