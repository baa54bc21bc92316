import type { ListField, Personal, SingleField } from '../domain/fields.js';
import type { CustomerView } from './customer-view.js';

/** The personal values of a customer in clear. */
export type OpenedValues = { readonly [F in SingleField]?: Personal[F] } & {
  readonly taxCertificates: readonly Personal[ListField][];
};

/** A view together with its personal values in clear: lives for one answer, is never kept. */
export type OpenedCustomer = OpenedValues & { readonly view: CustomerView };
