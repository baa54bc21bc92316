import { StoreUnavailable, type StoreName } from '../../event-sourcing/store-errors.js';
import { ConnectionClosed } from './connection.js';

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

/** The low byte; undefined when the error is none of the driver's. */
function primaryCode(error: unknown): number | undefined {
  const { rawCode, message } = fieldsOf(error);
  if (typeof rawCode === 'number') return rawCode & 0xff;
  // Opening reports in this way only, the code at the end of the text.
  const opening = typeof message === 'string' ? /^ConnectionFailed\(.*: (\d+)"?\)$/s.exec(message) : null;
  return opening === null ? undefined : Number(opening[1]) & 0xff;
}

/** By shape: errors made by native code need not be of this realm's `Error`. */
function fieldsOf(error: unknown): { readonly rawCode?: unknown; readonly message?: unknown; readonly code?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}

export const hasCode = (error: unknown, code: string): boolean => fieldsOf(error).code === code;
