import { accessSync, constants } from 'node:fs';
import { type OutageKind, StoreUnavailable, type StoreName } from '../../event-sourcing/store-errors.js';
import { fieldsOf, hasCode } from './error-fields.js';
import { FileMissing } from './file-in-place.js';

const BUSY = 5;
const CANTOPEN = 14;

/** Primary result codes (https://www.sqlite.org/rescode.html) that speak of the disk or a lock, not of our statements. */
const OUTAGES = new Map<number, OutageKind>([
  [3, 'permission'], // PERM
  [BUSY, 'busy'],
  [6, 'busy'], // LOCKED
  [7, 'io_error'], // NOMEM
  [8, 'permission'], // READONLY
  [9, 'io_error'], // INTERRUPT
  [10, 'io_error'], // IOERR
  [11, 'damaged'], // CORRUPT
  [13, 'full'], // FULL
  [CANTOPEN, 'io_error'],
  [15, 'busy'], // PROTOCOL
  [22, 'io_error'], // NOLFS
  [26, 'damaged'], // NOTADB
]);

/** After these, what SQLite holds in memory may differ from the disk: IOERR, CORRUPT, CANTOPEN, PROTOCOL, NOTADB. */
const COSTLY: ReadonlySet<number | undefined> = new Set([10, 11, CANTOPEN, 15, 26]);

/** As `sqlite3_errstr` words them. */
const CODES_BY_TEXT = new Map([
  ['access permission denied', 3],
  ['database is locked', BUSY],
  ['database table is locked', 6],
  ['out of memory', 7],
  ['attempt to write a readonly database', 8],
  ['interrupted', 9],
  ['disk I/O error', 10],
  ['database disk image is malformed', 11],
  ['database or disk is full', 13],
  ['unable to open database file', CANTOPEN],
  ['locking protocol', 15],
  ['file is not a database', 26],
]);

/** Another connection holds the lock: worth another try. */
export const isBusy = (error: unknown): boolean => outageOf(error) === 'busy';

/** What a page holds is no database: others may be whole. */
export const isDamage = (error: unknown): boolean => outageOf(error) === 'damaged';

/** The fault lies in the disk or in another's lock, not in the statement. */
export const isOutOfReach = (error: unknown): boolean => outageOf(error) !== undefined;

/** Whether the file is to be opened anew before it is used again. */
export const costsTheConnection = (error: unknown): boolean => COSTLY.has(primaryCode(error));

/**
 * What the caller gets to see: a store out of reach, or the error itself when the fault lies in the program.
 * @param file looked at to tell why it can't be opened
 */
export function translate(error: unknown, store: StoreName, file: string): unknown {
  const kind = primaryCode(error) === CANTOPEN ? accessFault(file) : outageOf(error);
  return kind === undefined ? error : new StoreUnavailable(store, { cause: error, kind });
}

export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

/** As if SQLite had said so. */
export class Busy extends Error {
  override readonly name = 'Busy';
  readonly errcode = BUSY;
}

/** Of SQLite itself, whatever it says. */
export const isSqliteError = (error: unknown): boolean => hasCode(error, 'ERR_SQLITE_ERROR');

/** The file ends before what it says to hold: https://www.sqlite.org/rescode.html#ioerr_short_read */
const SHORT_READ = 522;

function outageOf(error: unknown): OutageKind | undefined {
  if (error instanceof ConnectionClosed) return 'unreachable';
  if (error instanceof FileMissing) return 'missing';
  if (fieldsOf(error).errcode === SHORT_READ) return 'damaged';
  const code = primaryCode(error);
  return code === undefined ? undefined : OUTAGES.get(code);
}

function accessFault(file: string): OutageKind {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return 'io_error';
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'missing';
    return ['EACCES', 'EPERM', 'EROFS'].some((code) => hasCode(error, code)) ? 'permission' : 'io_error';
  }
}

/** The low byte; undefined when the error is none of SQLite's. */
function primaryCode(error: unknown): number | undefined {
  const { code, errcode, message } = fieldsOf(error);
  if (typeof errcode === 'number') return errcode & 0xff;
  // From `all`, the package of Node 20 passes on the text alone.
  return code === 'ERR_SQLITE_ERROR' && typeof message === 'string' ? CODES_BY_TEXT.get(message) : undefined;
}
