import type { SealedCustomerEvent } from '../customer-events.js';
import { evolve } from '../domain/evolve.js';
import { type CustomerState, noCustomer } from '../domain/state.js';
import type { CustomerView, SealedPersonal } from './customer-view.js';

/** What an event's envelope tells the view. */
export interface EventFacts {
  readonly customerId: string;
  readonly revision: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export const isoTime = (at: number): string => new Date(at).toISOString();

/**
 * The view after an event. The keyed hash of the address is carried along, not made anew: that needs a key, and only the
 * newest address counts (see `EmailIndexing.withIndex`).
 * @throws BrokenHistory
 */
export function project(
  view: CustomerView | undefined,
  event: SealedCustomerEvent,
  { customerId, revision, at }: EventFacts,
): CustomerView {
  return viewOf(customerId, revision, evolve(stateOf(view), event, isoTime(at)), view?.emailIndex);
}

/** @throws RangeError of a customer that never was there is none */
export function viewOf(
  id: string,
  version: number,
  state: CustomerState<SealedPersonal>,
  emailIndex?: string,
): CustomerView {
  if (state.status === 'none') throw new RangeError('There is no view before the first event');
  if (state.status !== 'active') {
    return {
      id,
      version,
      ...state,
      listed: state.status === 'erased',
      enabled: false,
      requestToBeForgotten: true,
      sources: [],
      taxCertificates: [],
    };
  }
  const { detachedSources: _, legalHold, ...shown } = state;
  return {
    id,
    version,
    listed: true,
    ...shown,
    ...(legalHold === true && { legalHold }),
    ...(emailIndex !== undefined && { emailIndex }),
  };
}

/** The state that a view shows. It does not know the sources that were detached, which no view shows. */
export function stateOf(view: CustomerView | undefined): CustomerState<SealedPersonal> {
  if (view === undefined) return noCustomer;
  const { id: _id, version: _version, listed: _listed, emailIndex: _index, status, ...shown } = view;
  if (status === 'active') return { ...shown, status, detachedSources: [] };
  const { life, createdTime, updatedTime } = view;
  return { status, life, createdTime, updatedTime };
}

/** Of a customer whose key is destroyed while neither view nor log say so, as after the restore of an older log. */
export function erasedByFence({ id, version, life, createdTime, updatedTime }: CustomerView): CustomerView {
  return viewOf(id, version, { status: 'erased', life, createdTime, updatedTime });
}
