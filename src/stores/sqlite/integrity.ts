import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { Connection } from './connection.js';
import { isDamage } from './driver-errors.js';

export interface TableFault {
  /** `*` where it can't be told: the file as a whole. */
  readonly table: string;
  readonly what: string;
}

const BUSY_MS = 2_000;
/** One is enough to know; some more tell how far it goes. */
const AT_MOST = 5;

/**
 * What of the file's structure is not as SQLite writes it. The file may be in use.
 * @param depth `quick` passes over whether each index holds just what its table does
 * @param onTable told before each table: its name, and how many of how many it is
 * @throws what the driver says when the disk fails
 */
export function structureFaults(
  file: string,
  depth: 'quick' | 'full',
  onTable: (table: string, nth: number, of: number) => void = () => undefined,
): readonly TableFault[] {
  const check = depth === 'quick' ? 'quick_check' : 'integrity_check';
  return damageAsFault('*', () => {
    const connection = new Connection(file, BUSY_MS);
    try {
      const tables = tablesOf(connection);
      const faults = tables.flatMap((table, nth) => {
        onTable(table, nth, tables.length);
        return damageAsFault(table, () =>
          complaints(connection, `${check}('${table}')`).map((what) => ({ table, what })),
        );
      });
      // What belongs to no table: pages that are free, or lost.
      if (faults.length > 0) return faults;
      return complaints(connection, depth === 'quick' ? 'quick_check(1)' : `${check}(${AT_MOST})`).map((what) => ({
        table: '*',
        what,
      }));
    } finally {
      connection.close();
    }
  });
}

const tablesOf = (connection: Connection): readonly string[] =>
  connection
    .query<[string]>(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
    .all()
    .map(([name]) => name)
    .filter((name) => /^\w+$/.test(name));

const complaints = (connection: Connection, check: string): readonly string[] =>
  connection
    .query<[string]>(`PRAGMA ${check}`)
    .all()
    .map(([line]) => line)
    .filter((line) => line !== 'ok')
    .slice(0, AT_MOST)
    .map((line) => line.replaceAll(/[^ -~]/g, '?').slice(0, 200));

function damageAsFault(table: string, work: () => readonly TableFault[]): readonly TableFault[] {
  try {
    return work();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [{ table, what: error instanceof Error ? error.message : 'damaged' }];
  }
}

/**
 * Whether the file ends before the last page that its header names (https://www.sqlite.org/fileformat2.html). To be asked
 * while it is closed in this process: see `createPrivately`.
 */
export function isCutOff(file: string): boolean {
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return false;
  const header = Buffer.alloc(100);
  const descriptor = openSync(file, 'r');
  try {
    if (readSync(descriptor, header, 0, header.length, 0) === 0) return false;
  } finally {
    closeSync(descriptor);
  }
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  // Both are written together: the number of pages counts only then.
  const isCounted = header.readUInt32BE(24) === header.readUInt32BE(92);
  return isCounted && statSync(file).size < pageSize * header.readUInt32BE(28);
}
