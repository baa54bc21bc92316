import { Connection } from './connection.js';
import { IN_MEMORY } from './driver.js';

/** Tables, columns, indexes and triggers by name, each as text. */
type Shape = ReadonlyMap<string, string>;

/**
 * A table whose definition is not the one of the schema, as after a byte of it was changed: SQLite would take the rows for
 * others without a word.
 * @returns its name; undefined where all are as they should be. Tables beside those of the schema are passed over
 */
export function strangeTable(connection: Connection, schema: string): string | undefined {
  const model = new Connection(IN_MEMORY, 0);
  try {
    model.exec(schema);
    const found = shapeOf(connection);
    for (const [name, shape] of shapeOf(model)) if (found.get(name) !== shape) return name;
    return undefined;
  } finally {
    model.close();
  }
}

function shapeOf(connection: Connection): Shape {
  const columns = connection.query('SELECT * FROM pragma_table_xinfo(?)');
  const indexes = connection.query<[string, number, string, number]>(
    'SELECT name, "unique", origin, partial FROM pragma_index_list(?) ORDER BY name',
  );
  const indexed = connection.query('SELECT name, "desc", coll FROM pragma_index_xinfo(?)');
  const triggers = connection.query("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?");
  const tables = connection
    .query<[string, number, number]>("SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main'")
    .all();
  return new Map(
    tables.map(([name, ...kind]) => {
      const parts = [kind, columns.all(name), indexes.all(name).map((index) => [index, indexed.all(index[0])])];
      return [name, JSON.stringify([...parts, triggers.all(name)])];
    }),
  );
}
