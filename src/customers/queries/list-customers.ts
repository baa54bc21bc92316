import { Query } from '@nestjs/cqrs';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import type { ListFilter } from '../read-model/customer-views.js';

export interface OpenedPage {
  readonly customers: readonly OpenedCustomer[];
  readonly hasMore: boolean;
}

export class ListCustomers extends Query<OpenedPage> {
  constructor(
    /** `email` in clear: the handler turns it into the keyed hash. */
    readonly filter: Omit<ListFilter, 'emailIndex'> & { readonly email?: string },
    /** 1..100 */
    readonly limit: number,
    /** Ids as the client gave them; `endingBefore` wins. */
    readonly cursor: { readonly startingAfter?: string; readonly endingBefore?: string },
  ) {
    super();
  }
}
