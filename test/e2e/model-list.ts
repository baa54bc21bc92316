import type { ListQuery, TimeBound } from './model-commands.js';

/** What the list knows of a customer. */
export interface Listed {
  readonly id: string;
  /** False for the deleted, which still mark a place in the order. */
  readonly listed: boolean;
  readonly createdTime: number;
  readonly updatedTime: number;
  readonly email: string | undefined;
  readonly requestToBeForgotten: boolean;
  readonly body: unknown;
}

/** @returns a fault, as `code parameter`, for a cursor that never was */
export function listOf(all: readonly Listed[], query: ListQuery, start: number): string | object {
  const { limit = 10, startingAfter, endingBefore } = query;
  const newestFirst = all.toSorted((a, b) => b.createdTime - a.createdTime || (a.id < b.id ? 1 : -1));
  const cursor = endingBefore ?? startingAfter;
  const place = newestFirst.findIndex(({ id }) => id === cursor);
  if (cursor !== undefined && place === -1) {
    return `invalid_parameter ${endingBefore === undefined ? 'startingAfter' : 'endingBefore'}`;
  }
  const wanted = (customer: Listed): boolean => customer.listed && passes(customer, query, start);
  if (endingBefore !== undefined) {
    const before = newestFirst.slice(0, place).filter(wanted);
    return { hasMore: before.length > limit, data: before.slice(-limit).map(({ body }) => body) };
  }
  const rest = newestFirst.slice(place + 1).filter(wanted);
  return { hasMore: rest.length > limit, data: rest.slice(0, limit).map(({ body }) => body) };
}

function passes(customer: Listed, query: ListQuery, start: number): boolean {
  const { email, ids, requestToBeForgotten, createdTime, updatedTime } = query;
  if (email !== undefined && customer.email?.toLowerCase() !== email.toLowerCase()) return false;
  if (ids !== undefined && !ids.includes(customer.id)) return false;
  if (requestToBeForgotten !== undefined && customer.requestToBeForgotten !== requestToBeForgotten) return false;
  return within(customer.createdTime - start, createdTime) && within(customer.updatedTime - start, updatedTime);
}

function within(time: number, bound: TimeBound | undefined): boolean {
  switch (bound?.operator) {
    case undefined:
      return true;
    case 'eq':
      return time === bound?.at;
    case 'gt':
      return time > bound.at;
    case 'gte':
      return time >= bound.at;
    case 'lt':
      return time < bound.at;
    case 'lte':
      return time <= bound.at;
  }
}
