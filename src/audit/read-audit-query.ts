import type { CustomerEventType } from '../customers/domain/events.js';
import type { SourceEvent } from '../customers/sources/source.js';
import { isCustomerId } from '../customers/streams.js';
import { DATE_OR_TIME_RULE, parseSentDateOrDateTime } from '../http/date-time.js';
import { ApiError } from '../http/errors.js';
import {
  integer,
  invalidQuery,
  list,
  type QueryParameters,
  refuseOperators,
  singleValue,
} from '../http/query-string.js';
import { EVENT_TYPES } from '../subscribers/cloud-event.js';
import type { LogCursors } from '../subscribers/log-cursors.js';
import { QUARANTINE_TYPES } from '../event-sourcing/holds.js';
import { AUDIT_ACCESSED } from './audit-events.js';
import { AUDIT_VERIFIED } from './verification-log.js';
import type { HistoryRequest, Moment } from './customer-audit.js';
import type { LogRequest } from './log-audit.js';

export const MAX_LIMIT = 500;
export const DEFAULT_LIMIT = 100;

const SOURCE_TYPES: Record<SourceEvent['type'], true> = {
  SourceClaimed: true,
  SourceCancelled: true,
  SourceReleased: true,
};
/** Every type that this release writes, as it is in the log. */
export const LOG_EVENT_TYPES: readonly string[] = [
  ...(Object.keys(EVENT_TYPES) as CustomerEventType[]),
  ...Object.keys(SOURCE_TYPES),
  AUDIT_ACCESSED,
  AUDIT_VERIFIED,
  ...QUARANTINE_TYPES,
];

export const REVISION = /^(0|[1-9]\d{0,8})$/;
export const ACTOR = /^(api_key|token|system):[A-Za-z0-9_-]{1,128}$/;

/** Unknown parameters are passed over, here as everywhere. @throws ApiError invalid_parameter, cursor_gone */
export function readHistoryQuery(parameters: QueryParameters, cursors: LogCursors): HistoryRequest {
  refuseOperators(parameters, { after: [], limit: [] });
  const limit = integer(parameters, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
  return { after: readAfter(parameters, cursors), limit };
}

/** @throws ApiError invalid_parameter */
export function readMoment(parameters: QueryParameters): Moment {
  refuseOperators(parameters, { asOf: [], revision: [] });
  const revision = singleValue(parameters, 'revision');
  const time = timeAt(parameters, 'asOf');
  if (revision === undefined) return time === undefined ? 'newest' : { time };
  if (time !== undefined) throw invalidQuery('revision', 'revision and asOf can not be given together');
  if (!REVISION.test(revision)) throw invalidQuery('revision', 'revision must be a revision');
  return { revision: Number(revision) };
}

/** @throws ApiError invalid_parameter, missing_parameter */
export function readDiffQuery(parameters: QueryParameters): { readonly from: Moment; readonly to: Moment } {
  refuseOperators(parameters, { from: [], to: [] });
  const from = revisionOrTime(parameters, 'from');
  if (from === undefined) throw ApiError.of('missing_parameter', 'from is required', 'from');
  return { from, to: revisionOrTime(parameters, 'to') ?? 'newest' };
}

/** @throws ApiError invalid_parameter, cursor_gone */
export function readLogQuery(parameters: QueryParameters, cursors: LogCursors): LogRequest {
  refuseOperators(parameters, { after: [], limit: [], from: [], to: [], actor: [], types: 'list', customerId: [] });
  const limit = integer(parameters, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
  const [from, to] = [timeAt(parameters, 'from'), timeAt(parameters, 'to')];
  const actor = singleValue(parameters, 'actor');
  if (actor !== undefined && !ACTOR.test(actor))
    throw invalidQuery('actor', 'actor must be <type>:<id>, as answers show');
  const types = list(parameters, 'types', LOG_EVENT_TYPES.length);
  // Passed over, it would be a search that finds nothing and does not say why.
  if (types?.every((type) => LOG_EVENT_TYPES.includes(type)) === false)
    throw invalidQuery('types', 'types must name types of events');
  const customerId = singleValue(parameters, 'customerId');
  if (customerId !== undefined && !isCustomerId(customerId))
    throw invalidQuery('customerId', 'customerId must be an id that a customer can have');
  const filter = {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(actor !== undefined && { actor }),
    ...(types !== undefined && { types: new Set(types) }),
    ...(customerId !== undefined && { customerId }),
  };
  return { after: readAfter(parameters, cursors), limit, filter };
}

function revisionOrTime(parameters: QueryParameters, name: string): Moment | undefined {
  const text = singleValue(parameters, name);
  if (text !== undefined && REVISION.test(text)) return { revision: Number(text) };
  const time = timeAt(parameters, name, `${name} must be a revision, or ${DATE_OR_TIME_RULE.slice('must be '.length)}`);
  return time === undefined ? undefined : { time };
}

function timeAt(
  parameters: QueryParameters,
  name: string,
  message = `${name} ${DATE_OR_TIME_RULE}`,
): number | undefined {
  const text = singleValue(parameters, name);
  if (text === undefined) return undefined;
  const time = parseSentDateOrDateTime(text);
  if (time === undefined) throw invalidQuery(name, message);
  return time;
}

function readAfter(parameters: QueryParameters, cursors: LogCursors): HistoryRequest['after'] {
  const after = singleValue(parameters, 'after');
  return after === undefined ? undefined : cursors.read(after, 'after');
}
