import type { SealedCustomerEvent } from '../customers/customer-events.js';
import { isoTime } from '../customers/read-model/project.js';

/** What an event's envelope tells of it besides its data. */
export interface EventPlace {
  readonly customerId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type FieldValues = Readonly<Record<string, unknown>>;

/**
 * The new values under the names the customer's resource has them, personal ones still sealed; `null` where a value was
 * cleared. Each field is named here: what the storage format holds besides is nobody's business.
 */
export function newValues(event: SealedCustomerEvent, { customerId, at }: EventPlace): FieldValues {
  switch (event.type) {
    case 'CustomerCreated': {
      const { email, locale, type, enabled, shipping, metadata } = event.data;
      return { email, locale, type, enabled, shipping, metadata, requestToBeForgotten: false };
    }
    case 'CustomerEmailChanged':
      return { email: event.data.email };
    case 'CustomerLocaleChanged':
      return { locale: event.data.locale };
    case 'CustomerTypeChanged':
      return { type: event.data.type };
    case 'CustomerEnabled':
      return { enabled: true };
    case 'CustomerDisabled':
      return { enabled: false };
    case 'CustomerShippingChanged':
      return { shipping: event.data.shipping };
    case 'CustomerMetadataChanged':
      return { metadata: event.data.metadata };
    case 'TaxCertificateAdded':
      return { taxCertificate: event.data.taxCertificate };
    case 'SourceAttached': {
      const { sourceId: id, type, state, reusable } = event.data;
      return { source: { id, customerId, type, state, reusable, createdTime: isoTime(at) } };
    }
    case 'SourceDetached':
      return { sourceId: event.data.sourceId };
    case 'DefaultSourceChanged':
      return { defaultSourceId: event.data.sourceId };
    case 'ForgetRequested':
      return { requestToBeForgotten: true, dueAt: event.data.dueAt };
    case 'ForgetRequestWithdrawn':
      return { requestToBeForgotten: false };
    case 'LegalHoldPlaced':
      return { legalHold: true };
    case 'LegalHoldLifted':
      return { legalHold: false };
    case 'CustomerErased':
      return { enabled: false, requestToBeForgotten: true, cause: event.data.cause };
    case 'CustomerDeleted':
      return {};
    default:
      return event satisfies never;
  }
}
