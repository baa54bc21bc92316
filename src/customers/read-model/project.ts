import type { SealedCustomerEvent } from '../customer-events.js';
import { evolve } from '../domain/evolve.js';
import { type ActiveCustomer, type CustomerState, noCustomer } from '../domain/state.js';
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
  return viewOf(customerId, revision, evolve(stateOf(view), event, isoTime(at)));
}

/** @throws RangeError there is none before the first event */
export function viewOf(id: string, version: number, state: CustomerState<SealedPersonal>): CustomerView {
  if (state.status === 'none') throw new RangeError('There is no view before the first event');
  if (state.status !== 'active') {
    const { status, life, createdTime, updatedTime } = state;
    const remains = { id, version, status, life, createdTime, updatedTime, listed: status === 'erased' };
    return { ...remains, enabled: false, requestToBeForgotten: true, sources: [], taxCertificates: [] };
  }
  if (isShown(state)) return { ...state, id, version, listed: true };
  const { detachedSources: _, legalHold, ...shown } = state;
  return { ...shown, id, version, listed: true, ...(legalHold === true && { legalHold }) };
}

/** Whether all of the state stands in the view: mostly it does, and copying it as a whole costs a third. */
const isShown = (state: Active): state is Active & { readonly detachedSources?: never; readonly legalHold?: true } =>
  state.detachedSources === undefined && state.legalHold !== false;

type Active = ActiveCustomer<SealedPersonal>;

/** With what the view has besides, so that it is carried along: taking it out costs more than the fold itself. */
function stateOf(view: CustomerView | undefined): CustomerState<SealedPersonal> {
  if (view === undefined) return noCustomer;
  const { status } = view;
  return status === 'active' ? { ...view, status } : { ...view, status };
}

/** Of a customer whose key is destroyed while neither view nor log say so, as after the restore of an older log. */
export function erasedByFence({ id, version, life, createdTime, updatedTime }: CustomerView): CustomerView {
  return viewOf(id, version, { status: 'erased', life, createdTime, updatedTime });
}
