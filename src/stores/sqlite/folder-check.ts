import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from './connection.js';
import type { DatabaseOptions } from './database.js';
import { isCutOff, structureFaults, type TableFault } from './integrity.js';
import { damagedRows } from './row-checksums.js';
import { strangeTable } from './schema-shape.js';
import { SCHEMA_VERSION } from './schema.js';
import { eventsDatabase } from './sqlite-event-store.js';
import {
  accessDatabase,
  auditDatabase,
  keysDatabase,
  receiptsDatabase,
  viewsDatabase,
  webhooksDatabase,
} from './sqlite-stores.js';
import { remedyFor, unusable } from './unusable-file.js';

export interface FileReport {
  readonly name: string;
  readonly state: 'whole' | 'damaged' | 'absent';
  readonly faults: readonly TableFault[];
  /** What to do about it. */
  readonly remedy?: string;
}

const DATABASES = {
  'events.db': eventsDatabase,
  'keys.db': keysDatabase,
  'views.db': viewsDatabase,
  'access.db': accessDatabase,
  'webhooks.db': webhooksDatabase,
  'audit.db': auditDatabase,
  'receipts.db': receiptsDatabase,
};
const BUSY_MS = 2_000;

/** Before each table: its file and name, and how much is done, 0 to 1. */
export type OnProgress = (place: string, fraction: number) => void;

/**
 * Looks through every database file of a data folder: its structure, the definition of its tables, and each row that has a
 * checksum. Nothing is changed; a service may run.
 * @throws FileUnusable a file can't be looked at: its rights, or the disk
 */
export function* checkFolder(folder: string, onProgress: OnProgress): Iterable<FileReport> {
  const all = Object.entries(DATABASES);
  for (const [nth, [name, settingsOf]] of all.entries()) {
    const file = join(folder, name);
    if (!existsSync(file)) {
      yield { name, state: 'absent', faults: [] };
      continue;
    }
    const settings = settingsOf(file);
    const faults = faultsOf(settings, (table, fraction) =>
      onProgress(`${name} ${table}`, (nth + fraction) / all.length),
    );
    if (faults.length === 0) yield { name, state: 'whole', faults };
    else yield { name, state: 'damaged', faults, remedy: remedyFor(file, 'damaged') };
  }
}

function faultsOf(settings: DatabaseOptions, onTable: OnProgress): readonly TableFault[] {
  const { file, store } = settings;
  try {
    if (isCutOff(file)) return [{ table: '*', what: 'the file is cut off' }];
    const faults = structureFaults(file, 'full', (table, nth, of) => onTable(table, nth / of));
    return faults.length > 0 ? faults : faultsOfRows(settings);
  } catch (error) {
    const known = unusable(error, file, store);
    if (known === undefined || known.kind !== 'damaged') throw known ?? error;
    return [{ table: '*', what: known.detail ?? 'it can not be read' }];
  }
}

function faultsOfRows({ file, schema, checked }: DatabaseOptions): readonly TableFault[] {
  const connection = new Connection(file, BUSY_MS);
  try {
    // A file of an older release is brought up to date by the next start, and has no checksums before.
    if (connection.number('PRAGMA user_version') !== SCHEMA_VERSION) return [];
    const strange = strangeTable(connection, schema);
    if (strange !== undefined) return [{ table: strange, what: 'is not defined as it was' }];
    return (checked?.(connection) ?? []).flatMap((table) => {
      const rows = damagedRows(connection, table);
      return rows === 0 ? [] : [{ table: table.name, what: `${rows} of its rows are not what was written` }];
    });
  } finally {
    connection.close();
  }
}
