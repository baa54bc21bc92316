import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { Connection } from './connection.js';
import type { DatabaseOptions } from './database.js';
import { isCutOff, structureFaults } from './integrity.js';
import { damagedRows } from './row-checksums.js';
import { SCHEMA_VERSION } from './schema.js';
import { strangeTable } from './schema-shape.js';
import { StopMark } from './stop-mark.js';
import { FileUnusable } from './unusable-file.js';

const MB = 1 << 20;
/** A start must not grow with the log: beyond these sizes less is looked at, and a line says so. */
const FULL_AT_MOST = 256 * MB;
const QUICK_AT_MOST = 1024 * MB;
const BUSY_MS = 2_000;

/**
 * Looks at the database files of a folder before they are served. A file that is as it was left at the last stop is
 * trusted; one that was changed since, or was left by a crash, is looked through.
 */
export class StartCheck {
  private readonly seen: string[] = [];

  private constructor(
    private readonly mark: StopMark,
    private readonly log: (line: string) => void,
  ) {}

  static begin(folder: string, log: (line: string) => void = () => undefined): StartCheck {
    return new StartCheck(StopMark.take(folder), log);
  }

  /** Before the file is opened. @throws FileUnusable it is damaged */
  require(settings: DatabaseOptions): void {
    const { file, store } = settings;
    const name = basename(file);
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    const state = this.mark.stateOf(name);
    if (size !== undefined && state !== 'as_left') {
      const detail = size === 0 && state === 'changed' ? 'it is empty' : this.faultOf(settings, size);
      if (detail !== undefined) throw new FileUnusable(file, store, 'damaged', { detail });
    }
    this.seen.push(name);
  }

  /** Once all files are closed. */
  stopped(): void {
    this.mark.put(this.seen);
  }

  private faultOf({ file, store, schema, checked }: DatabaseOptions, size: number): string | undefined {
    if (size > QUICK_AT_MOST) {
      this.log(`${file} was not left whole and is too large to be looked through now: run admin check`);
      return undefined;
    }
    if (isCutOff(file)) return 'it is cut off';
    const [fault] = structureFaults(file, size > FULL_AT_MOST ? 'quick' : 'full');
    if (fault !== undefined) return fault.table === '*' ? fault.what : `table ${fault.table}: ${fault.what}`;
    const connection = new Connection(file, BUSY_MS);
    try {
      // Of an older release: it is brought up to date when it is opened.
      if (connection.number('PRAGMA user_version') !== SCHEMA_VERSION) return undefined;
      const table = strangeTable(connection, schema);
      if (table !== undefined) return `table ${table} is not defined as it was`;
      // An event is told as altered, and stops nobody.
      return store === 'event_log' || size > FULL_AT_MOST ? undefined : damagedTable(connection, checked);
    } finally {
      connection.close();
    }
  }
}

function damagedTable(connection: Connection, checked: DatabaseOptions['checked']): string | undefined {
  for (const table of checked?.(connection) ?? []) {
    const rows = damagedRows(connection, table);
    if (rows > 0) return `table ${table.name}: ${rows} row${rows === 1 ? ' is' : 's are'} not what was written`;
  }
  return undefined;
}
