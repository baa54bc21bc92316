import {
  MongoAPIError,
  MongoClientClosedError,
  MongoError,
  MongoErrorLabel,
  MongoExpiredSessionError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { StoreUnavailable, type StoreName } from '../../event-sourcing/store-errors.js';

/** The server gave no answer in the time an operation has. It may be carried out all the same. */
export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime';
}

/** The server is known to be gone: it was not asked again. */
export class KnownToBeGone extends Error {
  override readonly name = 'KnownToBeGone';
}

/**
 * The server answered and refused: a fault of the program, or of the setup. Carries the code alone, since what the driver
 * says of it may repeat the document, and its result holds the whole of it.
 */
export class RefusedByServer extends Error {
  override readonly name = 'RefusedByServer';
  constructor(readonly code: string) {
    super(`The database refused an operation (${code})`);
  }
}

/** Of the driver's calls that fail for being called wrongly, those that only came too late. */
const CLOSED = [
  MongoClientClosedError,
  MongoExpiredSessionError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoTopologyClosedError,
];

/** Answers that speak of the server or the way to it, not of the operation (src/mongo/base/error_codes.yml). */
const CODES = new Set<unknown>([
  6, // HostUnreachable
  7, // HostNotFound
  13, // Unauthorized
  18, // AuthenticationFailed
  43, // CursorNotFound: the server that held it is gone
  50, // MaxTimeMSExpired
  64, // WriteConcernTimeout
  79, // UnknownReplWriteConcern
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  262, // ExceededTimeLimit
  9001, // SocketException
  10058, // LegacyNotPrimary
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
]);

export const DUPLICATE_KEY = 11000;
const NAMESPACE_EXISTS = 48;

export const isDuplicateKey = (error: unknown): boolean => codeOf(error) === DUPLICATE_KEY;
export const isNamespaceExists = (error: unknown): boolean => codeOf(error) === NAMESPACE_EXISTS;

/** The fault lies in the server or the way to it, not in the operation. */
export function isOutOfReach(error: unknown): boolean {
  if (error instanceof NoAnswerInTime || error instanceof KnownToBeGone) return true;
  if (error instanceof MongoWriteConcernError) return true;
  if (error instanceof MongoServerError) {
    return CODES.has(error.code) || error.hasErrorLabel(MongoErrorLabel.RetryableWriteError);
  }
  if (error instanceof MongoAPIError) return CLOSED.some((kind) => error instanceof kind);
  // Of the network, the pool, the selection of a server, the shape of an answer; `syscall`: of the socket itself, or the
  // look-up of a name. Not asked for as an Error: what Node's core makes is none of this realm's where tests run.
  return error instanceof MongoError || (typeof error === 'object' && error !== null && 'syscall' in error);
}

/**
 * The one place that turns what the driver throws into what callers see: a store out of reach, or a refusal. Neither
 * holds the driver's own error. Other errors pass.
 */
export function translate(error: unknown, store: StoreName): unknown {
  if (isOutOfReach(error)) return new StoreUnavailable(store, { cause: new Error(summaryOf(error)) });
  return error instanceof MongoError ? new RefusedByServer(summaryOf(error)) : error;
}

/** Names and codes only, down to the cause: no address, no credentials, no document. */
function summaryOf(error: unknown): string {
  const parts: string[] = [];
  for (let at = fieldsOf(error); at.name !== undefined && parts.length < 4; at = fieldsOf(at.cause)) {
    parts.push([at.name, at.code].filter((part) => typeof part === 'string' || typeof part === 'number').join(' '));
  }
  return parts.join(', ');
}

interface Fields {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly cause?: unknown;
}

/** By shape: errors made by native code need not be of this realm's `Error`. */
const fieldsOf = (error: unknown): Fields => (typeof error === 'object' && error !== null ? error : {});

const codeOf = (error: unknown): unknown => fieldsOf(error).code;
