import { type CustomerEvent, type EventData, newValues } from './events.js';
import type { Carried, Personal } from './fields.js';
import type { ActiveCustomer, CustomerState, NewValues } from './state.js';

/** A history that no decision of ours can have made: the log was altered, or an event is missing. */
export class BrokenHistory extends Error {
  override readonly name = 'BrokenHistory';
}

/**
 * What a customer is after an event: the one fold, for decisions and for views. Carries personal values without looking
 * into them. What an event does besides giving new values is told here, case by case.
 * @param at UTC date-time of the event
 * @throws BrokenHistory
 */
export function evolve<P extends Carried = Personal>(
  state: CustomerState<P>,
  event: CustomerEvent<P>,
  at: string,
): CustomerState<P> {
  if (event.type === 'CustomerCreated') return born(state, event.data, at);
  if (state.status !== 'active') throw new BrokenHistory(`${event.type} in a life that is over or has not begun`);
  const { life, createdTime } = state;
  if (event.type === 'CustomerErased') return { status: 'erased', life, createdTime, updatedTime: at };
  if (event.type === 'CustomerDeleted') return { status: 'deleted', life, createdTime, updatedTime: at };
  const changed = withValues(state, newValues(event), at);
  if (event.type === 'TaxCertificateAdded') {
    return { ...changed, taxCertificates: [...state.taxCertificates, event.data.taxCertificate] };
  }
  if (event.type === 'SourceAttached') {
    const { sourceId: id, ...facts } = event.data;
    return { ...changed, sources: [...state.sources, { id, ...facts, createdTime: at }] };
  }
  if (event.type === 'SourceDetached') {
    const { sourceId } = event.data;
    const sources = state.sources.filter(({ id }) => id !== sourceId);
    return { ...changed, sources, detachedSources: [...(state.detachedSources ?? []), sourceId] };
  }
  return changed;
}

function born<P extends Carried>(
  state: CustomerState<P>,
  data: EventData<P>['CustomerCreated'],
  at: string,
): ActiveCustomer<P> {
  if (state.status === 'active' || state.status === 'erased') throw new BrokenHistory('Created while still there');
  return {
    ...data,
    status: 'active',
    life: state.life + 1,
    createdTime: at,
    updatedTime: at,
    requestToBeForgotten: false,
    taxCertificates: [],
    sources: [],
    detachedSources: [],
  };
}

/** A value that was cleared is left out. */
function withValues<P extends Carried>(
  customer: ActiveCustomer<P>,
  values: NewValues<P>,
  updatedTime: string,
): ActiveCustomer<P> {
  const next = Object.assign({ ...customer }, values, { updatedTime });
  for (const [name, value] of Object.entries(values)) if (value === null) Reflect.deleteProperty(next, name);
  return next;
}
