import type { Metadata, Shipping, TaxCertificate } from '../domain/personal.js';
import type { CustomerView } from './customer-view.js';

/** A view together with its personal values in clear: lives for one answer, is never kept. */
export interface OpenedCustomer {
  readonly view: CustomerView;
  readonly email?: string;
  readonly shipping?: Shipping;
  readonly taxCertificates: readonly TaxCertificate[];
  readonly metadata?: Metadata;
}
