import { CustomerError, customerNotFound } from './errors.js';
import type { CustomerEvent, SourceFacts } from './events.js';
import type { ActiveCustomer } from './state.js';

export interface Claimed {
  readonly source: SourceFacts;
  readonly life: number;
}

export function attach(id: string, { source, life }: Claimed, customer: ActiveCustomer): readonly CustomerEvent[] {
  if (customer.life !== life) throw customerNotFound(id);
  const { sourceId } = source;
  if (customer.sources.some((known) => known.id === sourceId)) return [];
  if (customer.detachedSources?.includes(sourceId) === true) throw sourceNotChargeable();
  return attached(source, customer.sources.length === 0);
}

export const sourceNotChargeable = (): CustomerError =>
  new CustomerError('source_not_chargeable', 'sourceId', 'The source is not chargeable, or was detached before');

export function attached(source: SourceFacts, asDefault: boolean): readonly CustomerEvent[] {
  const event: CustomerEvent = { type: 'SourceAttached', data: source };
  return asDefault ? [event, { type: 'DefaultSourceChanged', data: { sourceId: source.sourceId } }] : [event];
}

export function detach(sourceId: string, customer: ActiveCustomer): readonly CustomerEvent[] {
  const remaining = customer.sources.filter(({ id }) => id !== sourceId);
  if (remaining.length === customer.sources.length) {
    throw new CustomerError('source_not_found', 'sourceId', 'The source is not attached to this customer');
  }
  const event: CustomerEvent = { type: 'SourceDetached', data: { sourceId } };
  if (customer.defaultSourceId !== sourceId) return [event];
  return [event, { type: 'DefaultSourceChanged', data: { sourceId: remaining.at(-1)?.id ?? null } }];
}

export function* changedDefaultSource(
  wanted: string | null | undefined,
  customer: ActiveCustomer,
): Iterable<CustomerEvent> {
  if (wanted === undefined || wanted === (customer.defaultSourceId ?? null)) return;
  if (wanted !== null && !customer.sources.some(({ id }) => id === wanted)) {
    throw new CustomerError('invalid_parameter', 'defaultSourceId', 'The default source must be an attached source');
  }
  yield { type: 'DefaultSourceChanged', data: { sourceId: wanted } };
}
