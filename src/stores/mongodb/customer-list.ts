import type { Filter } from 'mongodb';
import type { Cursor, ListFilter, TimeRange } from '../../customers/read-model/customer-views.js';
import { type CustomerDocument, INDEX, milliseconds } from './customer-documents.js';

/** A look-up in one unbroken stretch of one index, which it names, so that its cost never hangs on statistics. */
export interface Stretch {
  readonly filter: Filter<CustomerDocument>;
  readonly hint: string;
  readonly sort: { readonly createdMs: 1 | -1; readonly _id: 1 | -1 };
}

/** Up to so many customers updated in the wanted time are sorted; beyond that the pages' own order is walked. */
export const FEW = 1000;

/**
 * Where a page lies, in the direction of travel: what is wanted of the second stretch comes after all of the first. A
 * cursor makes two of it, the rest of its own moment and all beyond: one condition for both (`$or`) would have the
 * server walk over every customer of that moment.
 */
export function stretchesOf(filter: ListFilter, cursor: Cursor | undefined, fewUpdated: boolean): readonly Stretch[] {
  const terms = filterTerms(filter);
  const direction = cursor?.direction === 'before' ? 1 : -1;
  return placesOf(boundsOf(filter.createdTime ?? {}), cursor).map((place) => ({
    filter: { $and: [...terms, ...place] },
    hint: indexFor(filter, fewUpdated),
    sort: { createdMs: direction, _id: direction },
  }));
}

/** Finds the customers updated in the wanted time, to be counted up to just past {@link FEW}. */
export const updatedIn = (range: TimeRange): Filter<CustomerDocument> => ({
  $and: [{ listed: { $eq: true } }, ...within('updatedMs', boundsOf(range))],
});

/** Whether the number updated in the wanted time has a say: a more telling filter settles the way already. */
export const dependsOnUpdated = ({ ids, emailIndex, updatedTime }: ListFilter): boolean =>
  updatedTime !== undefined && ids === undefined && emailIndex === undefined;

type Term = Filter<CustomerDocument>;

function indexFor(filter: ListFilter, fewUpdated: boolean): string {
  if (filter.ids !== undefined) return INDEX.ids;
  if (filter.emailIndex !== undefined) return INDEX.email;
  if (fewUpdated) return INDEX.updated;
  return filter.requestToBeForgotten === undefined ? INDEX.created : INDEX.requested;
}

function filterTerms({ ids, emailIndex, requestToBeForgotten, updatedTime }: ListFilter): Term[] {
  const terms: Term[] = [{ listed: { $eq: true } }];
  if (ids !== undefined) terms.push({ _id: { $in: [...ids] } });
  if (typeof emailIndex === 'string') terms.push({ emailIndex: { $eq: emailIndex } });
  else if (emailIndex !== undefined) terms.push({ emailIndex: { $in: [...emailIndex] } });
  if (requestToBeForgotten !== undefined) terms.push({ requested: { $eq: requestToBeForgotten } });
  if (updatedTime !== undefined) terms.push(...within('updatedMs', boundsOf(updatedTime)));
  return terms;
}

function placesOf({ from, to }: Bounds, cursor: Cursor | undefined): Term[][] {
  if (cursor === undefined) return from > to ? [] : [within('createdMs', { from, to })];
  const at = milliseconds(cursor.createdTime);
  const after = cursor.direction === 'after';
  const places: Term[][] = [];
  const sameMoment: Term = { _id: after ? { $lt: cursor.id } : { $gt: cursor.id } };
  if (from <= at && at <= to) places.push([{ createdMs: { $eq: at } }, sameMoment]);
  const beyond = after ? { from, to: Math.min(to, at - 1) } : { from: Math.max(from, at + 1), to };
  if (beyond.from <= beyond.to) places.push(within('createdMs', beyond));
  return places;
}

interface Bounds {
  readonly from: number;
  readonly to: number;
}

/** The stored times are whole milliseconds: every bound, whichever its operator, is an inclusive whole one. */
function boundsOf({ eq, gt, gte, lt, lte }: TimeRange): Bounds {
  const from = [eq, gte].filter((bound) => bound !== undefined).map((bound) => Math.ceil(bound));
  const to = [eq, lte].filter((bound) => bound !== undefined).map((bound) => Math.floor(bound));
  if (gt !== undefined) from.push(Math.floor(gt) + 1);
  if (lt !== undefined) to.push(Math.ceil(lt) - 1);
  return { from: Math.max(...from), to: Math.min(...to) };
}

function within(field: 'createdMs' | 'updatedMs', { from, to }: Bounds): Term[] {
  const bounds = { ...(from !== -Infinity && { $gte: from }), ...(to !== Infinity && { $lte: to }) };
  return Object.keys(bounds).length === 0 ? [] : [{ [field]: bounds }];
}
