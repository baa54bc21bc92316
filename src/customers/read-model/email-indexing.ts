import { Injectable } from '@nestjs/common';
import { emailIndex, emailIndexes } from '../../privacy/email-index.js';
import { ServiceSecrets } from '../../privacy/service-secrets.js';
import type { CustomerView } from './customer-view.js';

/** Makes the keyed hash by which the `email` filter finds a customer. */
@Injectable()
export class EmailIndexing {
  constructor(private readonly secrets: ServiceSecrets) {}

  indexOf(email: string): string {
    return emailIndex(this.secrets.emailIndex, email);
  }

  /** Under which a view may be found: one made by an older release, too. */
  indexesOf(email: string): readonly [string, ...string[]] {
    return emailIndexes(this.secrets.emailIndex, email);
  }

  withIndex(view: CustomerView, email: string | undefined): CustomerView {
    if (email !== undefined) return { ...view, emailIndex: this.indexOf(email) };
    const { emailIndex: _, ...rest } = view;
    return rest;
  }
}
