import { isCustomerId } from '../customers/streams.js';
import {
  integer,
  list,
  invalidQuery,
  type QueryParameters,
  refuseOperators,
  singleValue,
} from '../http/query-string.js';
import { type CloudEventType, EVENT_TYPES } from './cloud-event.js';
import type { EventFilter } from './event-filter.js';
import type { LogCursors } from './log-cursors.js';
import type { PageRequest } from './log-page.js';

export const MAX_LIMIT = 1_000;
export const DEFAULT_LIMIT = 100;
/** Events with the longest values they can have would make an answer of 40 MB. */
const MAX_CHARACTERS = 8_000_000;

const KNOWN = { after: [], limit: [], types: 'list', customerId: [] } as const;
const TYPES: ReadonlyMap<string, CloudEventType> = new Map(Object.values(EVENT_TYPES).map((type) => [type, type]));

/** Unknown parameters are passed over. @throws ApiError invalid_parameter, cursor_gone */
export function readFeedQuery(parameters: QueryParameters, cursors: LogCursors): PageRequest {
  const filter = readFilter(parameters);
  const limit = integer(parameters, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
  return { after: readAfter(parameters, cursors), limit, characters: MAX_CHARACTERS, filter };
}

/**
 * The header wins: a client that resumes sends both, and the address it began with is the older.
 * @throws ApiError invalid_parameter, cursor_gone
 */
export function readStreamQuery(
  parameters: QueryParameters,
  lastEventId: string | undefined,
  cursors: LogCursors,
): Pick<PageRequest, 'after' | 'filter'> & { readonly cursorIn: string } {
  const filter = readFilter(parameters);
  if (lastEventId === undefined || lastEventId === '') {
    return { after: readAfter(parameters, cursors), filter, cursorIn: 'after' };
  }
  return { after: cursors.read(lastEventId, 'Last-Event-ID'), filter, cursorIn: 'Last-Event-ID' };
}

const readAfter = (parameters: QueryParameters, cursors: LogCursors): PageRequest['after'] => {
  const after = singleValue(parameters, 'after');
  return after === undefined ? undefined : cursors.read(after, 'after');
};

function readFilter(parameters: QueryParameters): EventFilter {
  refuseOperators(parameters, KNOWN);
  const names = list(parameters, 'types', TYPES.size);
  const customerId = singleValue(parameters, 'customerId');
  if (customerId !== undefined && !isCustomerId(customerId)) {
    throw invalidQuery('customerId', 'customerId must be an id that a customer can have');
  }
  const types = names?.map((name) => {
    const type = TYPES.get(name);
    // Passed over, it would be a reader that waits for ever.
    if (type === undefined) throw invalidQuery('types', 'types must name types of events');
    return type;
  });
  return { ...(types && { types: new Set(types) }), ...(customerId !== undefined && { customerId }) };
}
