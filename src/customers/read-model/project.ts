import type { SealedCustomerEvent } from '../customer-events.js';
import { BrokenHistory } from '../domain/evolve.js';
import type { AttachedSource, CustomerView } from './customer-view.js';

/** What an event's envelope tells the view. */
export interface EventFacts {
  readonly customerId: string;
  readonly revision: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * The view after an event. Pure and total over the catalogue; sealed values are carried through unopened. The keyed hash
 * of the address is not made here: it needs a key, and only the newest address counts (see `withEmailIndex`).
 */
export function project(view: CustomerView | undefined, event: SealedCustomerEvent, facts: EventFacts): CustomerView {
  if (event.type === 'CustomerCreated') return created(view, event.data, facts);
  if (view?.status !== 'active') throw new BrokenHistory(`${event.type} in a life that is over or has not begun`);
  return { ...changed(view, event, facts), version: facts.revision, updatedTime: isoTime(facts.at) };
}

export const isoTime = (at: number): string => new Date(at).toISOString();

function created(
  before: CustomerView | undefined,
  data: Extract<SealedCustomerEvent, { type: 'CustomerCreated' }>['data'],
  { customerId, revision, at }: EventFacts,
): CustomerView {
  if (before !== undefined && before.status !== 'deleted') throw new BrokenHistory('Created while still there');
  return {
    ...data,
    id: customerId,
    version: revision,
    status: 'active',
    life: (before?.life ?? 0) + 1,
    listed: true,
    createdTime: isoTime(at),
    updatedTime: isoTime(at),
    requestToBeForgotten: false,
    sources: [],
    taxCertificates: [],
  };
}

type Change = Exclude<SealedCustomerEvent, { type: 'CustomerCreated' }>;

function changed(view: CustomerView, event: Change, facts: EventFacts): CustomerView {
  switch (event.type) {
    case 'CustomerEmailChanged':
      return withOptional(view, 'email', event.data.email);
    case 'CustomerLocaleChanged':
      return withOptional(view, 'locale', event.data.locale);
    case 'CustomerTypeChanged':
      return { ...view, type: event.data.type };
    case 'CustomerEnabled':
      return { ...view, enabled: true };
    case 'CustomerDisabled':
      return { ...view, enabled: false };
    case 'CustomerShippingChanged':
      return withOptional(view, 'shipping', event.data.shipping);
    case 'CustomerMetadataChanged':
      return withOptional(view, 'metadata', event.data.metadata);
    case 'TaxCertificateAdded':
      return { ...view, taxCertificates: [...view.taxCertificates, event.data.taxCertificate] };
    case 'SourceAttached':
      return { ...view, sources: [...view.sources, attachedSource(event.data, facts.at)] };
    case 'SourceDetached':
      return { ...view, sources: view.sources.filter((source) => source.id !== event.data.sourceId) };
    case 'DefaultSourceChanged':
      return withOptional(view, 'defaultSourceId', event.data.sourceId);
    case 'ForgetRequested':
      return { ...view, requestToBeForgotten: true, forgetDueAt: event.data.dueAt };
    case 'ForgetRequestWithdrawn':
      return withOptional({ ...view, requestToBeForgotten: false }, 'forgetDueAt', null);
    case 'LegalHoldPlaced':
      return { ...view, legalHold: true };
    case 'LegalHoldLifted':
      return withOptional(view, 'legalHold', null);
    case 'CustomerErased':
      return stub(view, 'erased');
    case 'CustomerDeleted':
      return stub(view, 'deleted');
    default:
      return event satisfies never;
  }
}

type OptionalField = 'email' | 'locale' | 'shipping' | 'metadata' | 'defaultSourceId' | 'forgetDueAt' | 'legalHold';

function withOptional<F extends OptionalField>(
  view: CustomerView,
  field: F,
  value: CustomerView[F] | null,
): CustomerView {
  const next: { -readonly [K in keyof CustomerView]: CustomerView[K] } = { ...view };
  if (value === null) delete next[field];
  else next[field] = value;
  return next;
}

function attachedSource(data: Extract<Change, { type: 'SourceAttached' }>['data'], at: number): AttachedSource {
  const { sourceId, ...facts } = data;
  return { id: sourceId, ...facts, createdTime: isoTime(at) };
}

/** Of a customer whose key is destroyed while neither view nor log say so, as after the restore of an older log. */
export const erasedByFence = (view: CustomerView): CustomerView => stub(view, 'erased');

/** What remains of a customer: nothing that could name a person. */
function stub(view: CustomerView, status: 'erased' | 'deleted'): CustomerView {
  const { id, version, life, createdTime, updatedTime } = view;
  return {
    id,
    version,
    life,
    createdTime,
    updatedTime,
    status,
    listed: status === 'erased',
    enabled: false,
    requestToBeForgotten: true,
    sources: [],
    taxCertificates: [],
  };
}
