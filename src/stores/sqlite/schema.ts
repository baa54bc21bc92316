import type { Connection } from './connection.js';
import { addChecksums, type CheckedTable } from './row-checksums.js';

/** 2: rows carry checksums. */
export const SCHEMA_VERSION = 2;

export interface Schema {
  /** Of a new file. A changed one needs a step in {@link bringUpToDate} besides. */
  readonly schema: string;
  /** The tables of a file whose rows carry checksums. */
  readonly checked?: ((connection: Connection) => readonly CheckedTable[]) | undefined;
}

export class NewerSchema extends Error {
  override readonly name = 'NewerSchema';
  constructor(version: number) {
    super(`The database was made by a newer release (schema ${version})`);
  }
}

/** In one transaction, so that a crash leaves the file as it was. @throws NewerSchema */
export function bringUpToDate(connection: Connection, { schema, checked }: Schema): void {
  if (connection.number('PRAGMA user_version') === SCHEMA_VERSION) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    const version = connection.number('PRAGMA user_version');
    if (version > SCHEMA_VERSION) throw new NewerSchema(version);
    if (version === 0) connection.exec(schema);
    if (version === 1) for (const table of checked?.(connection) ?? []) addChecksums(connection, table);
    connection.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  } catch (error) {
    connection.rollBack();
    throw error;
  }
}
