import type { CustomerView } from '../../src/customers/read-model/customer-view.js';
import type { Cursor, CustomerPage, ListFilter, TimeRange } from '../../src/customers/read-model/customer-views.js';

/** What a list must answer, in the plainest way. */
export function listOf(
  population: readonly CustomerView[],
  filter: ListFilter,
  limit: number,
  cursor: Cursor | undefined,
): CustomerPage {
  const wanted = population.filter((view) => view.listed && matches(view, filter)).sort(newestFirst);
  if (cursor?.direction === 'before') {
    const earlier = wanted.filter((view) => newestFirst(view, cursor) < 0);
    return { views: earlier.slice(-limit), hasMore: earlier.length > limit };
  }
  const later = cursor === undefined ? wanted : wanted.filter((view) => newestFirst(view, cursor) > 0);
  return { views: later.slice(0, limit), hasMore: later.length > limit };
}

type Place = Pick<CustomerView, 'createdTime' | 'id'>;

function newestFirst(a: Place, b: Place): number {
  const byTime = Date.parse(b.createdTime) - Date.parse(a.createdTime);
  return byTime === 0 ? Buffer.compare(Buffer.from(b.id), Buffer.from(a.id)) : byTime;
}

function matches(view: CustomerView, filter: ListFilter): boolean {
  return (
    (filter.emailIndex === undefined || [filter.emailIndex].flat().includes(view.emailIndex ?? '')) &&
    (filter.ids === undefined || filter.ids.includes(view.id)) &&
    (filter.requestToBeForgotten === undefined || view.requestToBeForgotten === filter.requestToBeForgotten) &&
    lies(Date.parse(view.createdTime), filter.createdTime) &&
    lies(Date.parse(view.updatedTime), filter.updatedTime)
  );
}

function lies(at: number, { eq, gt, gte, lt, lte }: TimeRange = {}): boolean {
  return (
    (eq === undefined || at === eq) &&
    (gt === undefined || at > gt) &&
    (gte === undefined || at >= gte) &&
    (lt === undefined || at < lt) &&
    (lte === undefined || at <= lte)
  );
}
