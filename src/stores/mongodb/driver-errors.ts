import {
  BSON,
  MongoAPIError,
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoError,
  MongoErrorLabel,
  MongoExpiredSessionError,
  MongoMissingCredentialsError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { StoreUnavailable, type StoreName } from '../../event-sourcing/store-errors.js';
import {
  ClosedMeanwhile,
  DriverFailure,
  KnownToBeGone,
  NoAnswerInTime,
  NotThePrimary,
  OvertakenTooOften,
  RefusedByServer,
} from './operation-errors.js';
import { type Passing, SERVER_CODES } from './server-codes.js';

/** Of the driver's complaints about a call, those that speak of the moment, not of the call. */
const OF_THE_MOMENT = [
  MongoClientClosedError,
  MongoExpiredSessionError,
  // Thrown at a server that wants credentials, not for an address without them.
  MongoMissingCredentialsError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoTopologyClosedError,
];
const PASSING_LABELS = [
  MongoErrorLabel.RetryableWriteError,
  MongoErrorLabel.RetryableError,
  MongoErrorLabel.TransientTransactionError,
];
/** Servers before 4.4 send no code with these. */
const WITHOUT_CODE = /not master|node is recovering/i;

export const DUPLICATE_KEY = 11000;
const NAMESPACE_EXISTS = 48;

type Meaning = Passing | 'refused' | 'not of the driver';

interface Sign {
  readonly meaning: Meaning;
  readonly name: string;
  readonly code?: string | number;
}

/** That the server already has a document of this key, and nothing else. */
export const isDuplicateKey = (error: unknown): boolean => signsOf(error).every(({ code }) => code === DUPLICATE_KEY);
export const isNamespaceExists = (error: unknown): boolean =>
  signsOf(error).every(({ code }) => code === NAMESPACE_EXISTS);

/** Whether a later repeat may succeed: the fault lies in the server, the way to it, or the moment. */
export function passing(error: unknown): Passing | undefined {
  const { meaning } = tellingSign(error);
  return meaning === 'away' || meaning === 'busy' ? meaning : undefined;
}

/**
 * The one place that turns what the driver throws, or carries in what it throws, into what callers see: a store out of
 * reach, or a refusal. Neither holds the driver's own error. Errors that are not the driver's pass.
 */
export function translate(error: unknown, store: StoreName): unknown {
  const { meaning, name, code } = tellingSign(error);
  if (meaning === 'not of the driver') return error;
  const cause = new DriverFailure(name, code === undefined ? undefined : String(code), [name, code].join(' ').trim());
  return meaning === 'refused' ? new RefusedByServer(cause) : new StoreUnavailable(store, { cause });
}

const ORDER: readonly Meaning[] = ['away', 'busy', 'refused', 'not of the driver'];

/** What passes is told before what does not: a repeat shows whether a refusal is left. A duplicate says the least. */
function tellingSign(error: unknown): Sign {
  const rank = ({ meaning, code }: Sign): number => 2 * ORDER.indexOf(meaning) + (code === DUPLICATE_KEY ? 1 : 0);
  const [first, ...others] = signsOf(error);
  return others.reduce((best, sign) => (rank(sign) < rank(best) ? sign : best), first);
}

/** The forms in which the driver (7.9) tells of failures; one of a batch can carry several. */
function signsOf(error: unknown): readonly [Sign, ...Sign[]] {
  if (error instanceof MongoBulkWriteError) {
    const unconfirmed = error.result.getWriteConcernError();
    return [
      ofBatch(error),
      ...error.result.getWriteErrors().map(({ code }) => ofCode(code)),
      ...(unconfirmed === undefined ? [] : [notConfirmed(unconfirmed.code)]),
    ];
  }
  if (error instanceof MongoWriteConcernError) return [notConfirmed(error.code)];
  if (error instanceof MongoServerError) return [ofServer(error)];
  return [ofOther(error)];
}

/**
 * `errorResponse` is what the driver caught (an error of its own, or any other), or else what the server answered: the
 * whole of it, or of a write that is not confirmed a part. Its class says nothing.
 */
function ofBatch(error: MongoBulkWriteError): Sign {
  const caught: unknown = error.errorResponse;
  if (fieldsOf(caught).name === undefined) return ofServer(error);
  const [sign] = signsOf(caught);
  return sign.meaning === 'not of the driver' ? { ...sign, meaning: 'refused' } : sign;
}

function ofServer(error: MongoServerError): Sign {
  // What the driver says in the place of code 20, to name an option that would help.
  const original: unknown = error['originalError'];
  if (original instanceof MongoServerError) return signsOf(original)[0];
  const sign = ofCode(error.code, error['codeName']);
  if (sign.meaning !== 'refused') return sign;
  if (error.hasErrorLabel(MongoErrorLabel.SystemOverloadedError)) return { ...sign, meaning: 'away' };
  if (PASSING_LABELS.some((label) => error.hasErrorLabel(label))) return { ...sign, meaning: 'busy' };
  return error.code === undefined && WITHOUT_CODE.test(error.message)
    ? { name: 'NotWritablePrimary', meaning: 'away' }
    : sign;
}

function ofCode(code: unknown, codeName?: unknown): Sign {
  const unknown = { meaning: 'refused', name: plainName(codeName) ?? 'MongoServerError' } as const;
  return typeof code === 'number' ? { ...(SERVER_CODES.get(code) ?? unknown), code } : unknown;
}

/** The write is done where it was sent and may be lost with that server, whatever the code: it has to be repeated. */
function notConfirmed(code: unknown): Sign {
  const sign = ofCode(code);
  return sign.meaning === 'away' ? sign : { ...sign, meaning: 'busy' };
}

function ofOther(error: unknown): Sign {
  const fields = fieldsOf(error);
  const name = plainName(fields.name) ?? 'Error';
  const code = codeIn(error);
  const sign = (meaning: Meaning): Sign => ({ meaning, name, ...(code !== undefined && { code }) });
  if (error instanceof NoAnswerInTime || error instanceof OvertakenTooOften) return sign('busy');
  if ([KnownToBeGone, NotThePrimary, ClosedMeanwhile].some((kind) => error instanceof kind)) return sign('away');
  if (error instanceof MongoAPIError)
    return sign(OF_THE_MOMENT.some((kind) => error instanceof kind) ? 'away' : 'refused');
  if (error instanceof MongoServerSelectionError && isIncompatible(error)) {
    return { meaning: 'refused', name: 'MongoCompatibilityError' };
  }
  // Of the network, the pool, the selection of a server, the shape of an answer.
  if (error instanceof MongoError) return sign('away');
  if (BSON.BSONError.isBSONError(error)) return sign('refused');
  // Of the socket itself, or the look-up of a name. Not asked for as an Error: what Node's core makes is none of this
  // realm's where tests run.
  return sign(fields.syscall === undefined ? 'not of the driver' : 'away');
}

/** The server is too old or too new for the driver: waiting does not help. */
const isIncompatible = ({ reason }: MongoServerSelectionError): boolean =>
  reason !== undefined && 'compatible' in reason && !reason.compatible;

interface Fields {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly cause?: unknown;
}

/** By shape: errors made by native code need not be of this realm's `Error`. */
const fieldsOf = (error: unknown): Fields => (typeof error === 'object' && error !== null ? error : {});

/** Of the error, or of what caused it: a socket's, behind the driver's error of the network. */
function codeIn(error: unknown, depth = 0): string | number | undefined {
  const { code, cause } = fieldsOf(error);
  if (typeof code === 'number') return code;
  return plainName(code) ?? (cause === undefined || depth === 3 ? undefined : codeIn(cause, depth + 1));
}

const plainName = (name: unknown): string | undefined =>
  typeof name === 'string' && /^\w{1,64}$/.test(name) ? name : undefined;
