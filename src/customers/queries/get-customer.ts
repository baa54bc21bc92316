import { Query } from '@nestjs/cqrs';
import type { OpenedCustomer } from '../read-model/opened-customer.js';

export class GetCustomer extends Query<OpenedCustomer> {
  constructor(readonly id: string) {
    super();
  }
}
