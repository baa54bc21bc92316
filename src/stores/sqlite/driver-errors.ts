import { StoreUnavailable, type StoreName } from '../../event-sourcing/store-errors.js';
import { ConnectionClosed } from './connection.js';
import { fieldsOf } from './error-fields.js';

/** Primary result codes (https://www.sqlite.org/rescode.html) that speak of the disk, not of our statements. */
const OUT_OF_REACH = new Set([
  3, // PERM
  7, // NOMEM
  8, // READONLY
  9, // INTERRUPT
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  15, // PROTOCOL
  22, // NOLFS
  26, // NOTADB
]);
const BUSY = 5;
const LOCKED = 6;

/** As `sqlite3_errstr` words them. */
const CODES_BY_TEXT = new Map([
  ['access permission denied', 3],
  ['database is locked', BUSY],
  ['database table is locked', LOCKED],
  ['out of memory', 7],
  ['attempt to write a readonly database', 8],
  ['interrupted', 9],
  ['disk I/O error', 10],
  ['database disk image is malformed', 11],
  ['database or disk is full', 13],
  ['unable to open database file', 14],
  ['locking protocol', 15],
  ['file is not a database', 26],
]);

/** Another connection holds the lock: worth another try. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** The fault lies in the disk or in another's lock, not in the statement. */
export function isOutOfReach(error: unknown): boolean {
  if (error instanceof ConnectionClosed || isBusy(error)) return true;
  const code = primaryCode(error);
  return code !== undefined && OUT_OF_REACH.has(code);
}

/** What the caller gets to see: a store out of reach, or the error itself when the fault lies in the program. */
export function translate(error: unknown, store: StoreName): unknown {
  return isOutOfReach(error) ? new StoreUnavailable(store, { cause: error }) : error;
}

/** The low byte; undefined when the error is none of SQLite's. */
function primaryCode(error: unknown): number | undefined {
  const { code, errcode, message } = fieldsOf(error);
  if (typeof errcode === 'number') return errcode & 0xff;
  // From `all`, the package of Node 20 passes on the text alone.
  return code === 'ERR_SQLITE_ERROR' && typeof message === 'string' ? CODES_BY_TEXT.get(message) : undefined;
}
