import { ErrorType, isCommandError } from '@eventstore/db-client';
import { type ExpectedRevision, WrongExpectedRevision } from '../../event-sourcing/event-store.js';
import { StreamDamaged } from '../../event-sourcing/stream-damage.js';
import { AnotherLog, OutcomeUnknown, StoreUnavailable } from '../../event-sourcing/store-errors.js';

/** Our own time-out: the client has none for reads, and none that works for appends. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  constructor() {
    super('The event log did not answer in time');
  }
}

/** A read that ended before the server had ended it: what came may be nothing, or half. */
export class CutShort extends Error {
  override readonly name = 'CutShort';
  constructor() {
    super('The answer of the event log was cut short');
  }
}

/** Nothing was written, and trying again will not help before an operator has done something. */
const REFUSALS: ReadonlySet<string> = new Set([
  // A tombstone can't be undone. Its stream is not empty, it is gone: damage, and no outage.
  ErrorType.STREAM_DELETED,
  ErrorType.ACCESS_DENIED,
  ErrorType.INVALID_ARGUMENT,
]);

/** Sent by a server that starts, is overrun or has no leader, in place of handling the append; the client has no name for it. */
const NOT_HANDLED = /^Could not recognize (Server Is (Not Ready|Busy|Too Busy)|No leader info available)/i;

/** Whether the connection may be at fault, and not what was asked. */
export function isOutage(error: unknown): boolean {
  if (error instanceof AnotherLog) return false;
  const type = typeOf(error);
  const asked = [ErrorType.WRONG_EXPECTED_VERSION, ErrorType.STREAM_NOT_FOUND, ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED];
  return type === undefined || !(REFUSALS.has(type) || asked.includes(type));
}

/** Whether a read is worth a second try at once: a connection or a client that is gone is soon another, a silent server is not. */
export const isBroken = (error: unknown): boolean => isOutage(error) && !(error instanceof NoAnswer);

/** The connection or the node failed, not the question. */
const TRANSPORT: ReadonlySet<string> = new Set([
  ErrorType.UNAVAILABLE,
  ErrorType.CANCELLED,
  ErrorType.TIMEOUT,
  ErrorType.DEADLINE_EXCEEDED,
  ErrorType.NOT_LEADER,
  ErrorType.ACCESS_DENIED,
]);

/** Whether the server refused the question, so that it may answer another one. */
export function isRefused(error: unknown): boolean {
  const type = typeOf(error);
  return type !== undefined && !TRANSPORT.has(type);
}

export const isTombstoned = (error: unknown): boolean => typeOf(error) === ErrorType.STREAM_DELETED;

/** A stream that never was, or was deleted softly: it reads empty, and may be begun. */
export function isAbsent(error: unknown): boolean {
  return typeOf(error) === ErrorType.STREAM_NOT_FOUND;
}

/**
 * What became of an append. In doubt it may have been written: the client rejects all appends under way with the error of
 * one stream, so that the words of an error do not tell whether this very append was sent.
 */
export function appendFailure(error: unknown, stream: string, expected: ExpectedRevision): Error {
  if (error instanceof StoreUnavailable || error instanceof WrongExpectedRevision) return error;
  const type = typeOf(error);
  if (type === ErrorType.WRONG_EXPECTED_VERSION) return new WrongExpectedRevision(stream, expected);
  if (type === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED)
    return new RangeError('The append is larger than the server takes', { cause: error });
  if (type === ErrorType.STREAM_DELETED && isRefusal(error)) return removed(stream, error);
  const unwritten = failedBeforeSending(error) || isRefusal(error);
  return unwritten ? new StoreUnavailable('event_log', { cause: error }) : new OutcomeUnknown({ cause: error });
}

const removed = (stream: string, cause: unknown): StreamDamaged =>
  new StreamDamaged(stream, 'removed', undefined, { cause });

/** As {@link readFailure}, of one stream: that a stream is gone for good is no outage. */
export function streamFailure(error: unknown, stream: string): Error {
  return typeOf(error) === ErrorType.STREAM_DELETED ? removed(stream, error) : readFailure(error);
}

/** A read does nothing, so that whatever it failed with may be tried again. */
export function readFailure(error: unknown): StoreUnavailable {
  return error instanceof StoreUnavailable ? error : new StoreUnavailable('event_log', { cause: error });
}

function typeOf(error: unknown): ErrorType | undefined {
  return error instanceof Error && isCommandError(error) ? error.type : undefined;
}

/** With the code of a gRPC status it is about the whole stream of appends; without one it answers this append. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !isCommandError(error) || error.code !== undefined) return false;
  return REFUSALS.has(error.type) || NOT_HANDLED.test(error.message);
}

/**
 * Before it appends, the client asks the server once what it can do; that call fails with a bare gRPC error (code 14), and
 * finding a node of a cluster with a bare Error. What fails after sending is always converted to an error of the client.
 */
export function failedBeforeSending(error: unknown): boolean {
  if (!(error instanceof Error) || isCommandError(error)) return false;
  return ('code' in error && error.code === UNAVAILABLE) || error.message.startsWith('Failed to discover');
}

/** The gRPC status. */
const UNAVAILABLE = 14;
