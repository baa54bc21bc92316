import { HttpException } from '@nestjs/common';
import { CustomerError } from '../customers/domain/errors.js';
import { BrokenHistory } from '../customers/domain/evolve.js';
import { IdempotencyKeyReused, PreconditionFailed } from '../event-sourcing/command-context.js';
import { MalformedEvent } from '../event-sourcing/envelope.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { AnotherLog, OutcomeUnknown, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { SealBroken } from '../privacy/sealing.js';
import { ApiError, ERRORS, type ErrorCode, fault } from './errors.js';

const RETRY_AFTER_SECONDS = '2';

/** What a client is told about any error that reached the edge. What is not known here is a 500 without details. */
export function answerFor(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof CustomerError) return ApiError.of(error.code, error.message, error.parameter);
  if (error instanceof PreconditionFailed) return example('precondition_failed');
  if (error instanceof IdempotencyKeyReused) return example('idempotency_key_reused');
  if (error instanceof OutcomeUnknown) return later('outcome_unknown');
  if (error instanceof AnotherLog) return later('service_unavailable', ANOTHER_LOG);
  if (error instanceof StoreUnavailable || error instanceof UnknownEventType) return later('service_unavailable');
  if (isAltered(error)) return example('log_altered');
  return byStatus(statusOf(error));
}

/** This service writes no such history: somebody else did, or its storage is broken. */
const isAltered = (error: unknown): boolean =>
  error instanceof MalformedEvent || error instanceof BrokenHistory || error instanceof SealBroken;

/** The standing text of a code: what its example in the documentation says. */
function example(code: ErrorCode): ApiError {
  const { message, parameter }: { message: string; parameter?: string } = ERRORS[code].example;
  return ApiError.of(code, message, parameter);
}

const ANOTHER_LOG =
  'The event log is another log than the one this service works with: wiped, restored or exchanged; nothing was done';

const later = (
  code: 'service_unavailable' | 'outcome_unknown',
  message: string = ERRORS[code].example.message,
): ApiError => new ApiError([fault(code, message)], { 'Retry-After': RETRY_AFTER_SECONDS });

/** Nest's exceptions carry `getStatus()`, Fastify's errors `statusCode`. */
function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}

/** Errors of the framework: their messages may quote the request, so none is passed on. */
function byStatus(status: number): ApiError {
  switch (status) {
    case 401:
      return unauthorized();
    // The files behind the documents: 403 is for scopes alone, and tells nothing about what lies where.
    case 403:
    case 404:
      return ApiError.of('not_found', 'There is nothing at this address');
    case 406:
      return example('not_acceptable');
    case 408:
      return example('request_timeout');
    case 413:
      return example('payload_too_large');
    case 415:
      return example('unsupported_media_type');
    case 429:
      return new ApiError([fault('too_many_requests', ERRORS.too_many_requests.example.message)], {
        'Retry-After': RETRY_AFTER_SECONDS,
      });
    case 503:
      return later('service_unavailable');
    default:
      return status >= 400 && status < 500
        ? ApiError.of('invalid_format', 'The request could not be read')
        : example('internal_server_error');
  }
}

export const unauthorized = (): ApiError =>
  new ApiError([fault('unauthorized', ERRORS.unauthorized.example.message)], { 'WWW-Authenticate': 'Bearer' });
