import { DATE_TIME_RULE, parseSentDateTime } from '../../http/date-time.js';
import {
  flag,
  integer,
  invalidQuery,
  list,
  type QueryParameters,
  refuseOperators,
  singleValue,
} from '../../http/query-string.js';
import { ListCustomers } from '../queries/list-customers.js';
import type { TimeRange } from '../read-model/customer-views.js';
import { isCustomerId } from '../streams.js';

const MAX_IDS = 100;
const DEFAULT_LIMIT = 10;
const OPERATORS = ['eq', 'gt', 'gte', 'lt', 'lte'] as const;

const KNOWN = {
  limit: [],
  startingAfter: [],
  endingBefore: [],
  email: [],
  ids: 'list',
  requestToBeForgotten: [],
  createdTime: OPERATORS,
  updatedTime: OPERATORS,
} as const;

/** Unknown parameters are passed over. @throws ApiError invalid_parameter for the first one that is not good */
export function readListQuery(parameters: QueryParameters): ListCustomers {
  if (parameters.size === 0) return new ListCustomers({}, DEFAULT_LIMIT, {});
  refuseOperators(parameters, KNOWN);
  const limit = integer(parameters, 'limit', 1, 100) ?? DEFAULT_LIMIT;
  const startingAfter = singleValue(parameters, 'startingAfter');
  const endingBefore = singleValue(parameters, 'endingBefore');
  const email = singleValue(parameters, 'email');
  const ids = list(parameters, 'ids', MAX_IDS);
  const requestToBeForgotten = flag(parameters, 'requestToBeForgotten');
  const createdTime = timeRange(parameters, 'createdTime');
  const updatedTime = timeRange(parameters, 'updatedTime');
  const filter = {
    ...(email !== undefined && { email }),
    // Those that no customer could have match nothing, so an empty list is a filter too: the one that nothing passes.
    ...(ids !== undefined && { ids: ids.filter(isCustomerId) }),
    ...(requestToBeForgotten !== undefined && { requestToBeForgotten }),
    ...(createdTime !== undefined && { createdTime }),
    ...(updatedTime !== undefined && { updatedTime }),
  };
  return new ListCustomers(filter, limit, {
    ...(startingAfter !== undefined && { startingAfter }),
    ...(endingBefore !== undefined && { endingBefore }),
  });
}

function timeRange(parameters: QueryParameters, name: 'createdTime' | 'updatedTime'): TimeRange | undefined {
  const range: { -readonly [K in keyof TimeRange]: TimeRange[K] } = {};
  for (const operator of OPERATORS) {
    const time = timeAt(parameters, name, `${name}[${operator}]`);
    if (time !== undefined) range[operator] = toMilliseconds(operator, time);
  }
  const bare = timeAt(parameters, name, name);
  if (bare !== undefined && range.eq !== undefined) throw invalidQuery(name, `${name} can be given once only`);
  if (bare !== undefined) range.eq = toMilliseconds('eq', bare);
  // Times are kept in whole milliseconds: none equals a fraction, so nothing may pass.
  if (range.eq !== undefined && !Number.isInteger(range.eq))
    return { gt: Math.floor(range.eq), lt: Math.floor(range.eq) };
  return Object.keys(range).length === 0 ? undefined : range;
}

function timeAt(parameters: QueryParameters, name: string, key: string): number | undefined {
  const text = singleValue(parameters, name, key);
  if (text === undefined) return undefined;
  const time = parseSentDateTime(text);
  if (time === undefined) throw invalidQuery(name, `${name} ${DATE_TIME_RULE}`);
  return time;
}

/** A bound finer than the times that are kept moves to the whole millisecond that lets the same times through. */
function toMilliseconds(operator: keyof TimeRange, time: number): number {
  switch (operator) {
    case 'gt':
    case 'lte':
      return Math.floor(time);
    case 'gte':
    case 'lt':
      return Math.ceil(time);
    case 'eq':
      return time;
    default:
      return operator satisfies never;
  }
}
