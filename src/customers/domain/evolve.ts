import type { CustomerEvent } from './events.js';
import type { Carried, Personal } from './personal.js';
import type { ActiveCustomer, CustomerState } from './state.js';

/** A history that no decision of ours can have made: the log was altered, or an event is missing. */
export class BrokenHistory extends Error {
  override readonly name = 'BrokenHistory';
}

/** What a customer is after an event. Total over the catalogue; carries personal values without looking into them. */
export function evolve<P extends Carried = Personal>(
  state: CustomerState<P>,
  event: CustomerEvent<P>,
): CustomerState<P> {
  if (event.type === 'CustomerCreated') return born(state, event.data);
  if (state.status !== 'active') throw new BrokenHistory(`${event.type} in a life that is over or has not begun`);
  switch (event.type) {
    case 'CustomerEmailChanged':
      return { ...state, email: event.data.email ?? undefined };
    case 'CustomerLocaleChanged':
      return { ...state, locale: event.data.locale ?? undefined };
    case 'CustomerTypeChanged':
      return { ...state, type: event.data.type };
    case 'CustomerEnabled':
      return { ...state, enabled: true };
    case 'CustomerDisabled':
      return { ...state, enabled: false };
    case 'CustomerShippingChanged':
      return { ...state, shipping: event.data.shipping ?? undefined };
    case 'CustomerMetadataChanged':
      return { ...state, metadata: event.data.metadata ?? undefined };
    case 'TaxCertificateAdded':
      return { ...state, taxCertificates: [...state.taxCertificates, event.data.taxCertificate] };
    case 'SourceAttached':
      return { ...state, sources: [...state.sources, event.data] };
    case 'SourceDetached':
      return detached(state, event.data.sourceId);
    case 'DefaultSourceChanged':
      return { ...state, defaultSourceId: event.data.sourceId ?? undefined };
    case 'ForgetRequested':
      return { ...state, forgetDueAt: event.data.dueAt };
    case 'ForgetRequestWithdrawn':
      return { ...state, forgetDueAt: undefined };
    case 'LegalHoldPlaced':
      return { ...state, legalHold: true };
    case 'LegalHoldLifted':
      return { ...state, legalHold: false };
    case 'CustomerErased':
      return { status: 'erased', life: state.life };
    case 'CustomerDeleted':
      return { status: 'deleted', life: state.life };
    default:
      return event satisfies never;
  }
}

function born<P extends Carried>(
  state: CustomerState<P>,
  data: Extract<CustomerEvent<P>, { type: 'CustomerCreated' }>['data'],
): ActiveCustomer<P> {
  if (state.status === 'active' || state.status === 'erased') throw new BrokenHistory('Created while still there');
  return {
    ...data,
    status: 'active',
    life: state.life + 1,
    taxCertificates: [],
    sources: [],
    detachedSources: [],
  };
}

function detached<P extends Carried>(state: ActiveCustomer<P>, sourceId: string): ActiveCustomer<P> {
  return {
    ...state,
    sources: state.sources.filter((source) => source.sourceId !== sourceId),
    detachedSources: [...state.detachedSources, sourceId],
  };
}
