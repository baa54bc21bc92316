import type { JsonObject } from '../event-sourcing/event-store.js';
import type { SubjectKey } from '../privacy/key-ring.js';
import { isSealed, type Sealed } from '../privacy/sealed.js';
import { open, seal } from '../privacy/sealing.js';
import type { KeyRef } from '../privacy/subject-keys.js';
import type { CustomerEvent } from './domain/events.js';
import type { Personal } from './domain/personal.js';
import type { ActiveCustomer } from './domain/state.js';
import type { CustomerView, SealedPersonal } from './read-model/customer-view.js';
import type { OpenedCustomer } from './read-model/opened-customer.js';

export type PersonalField = keyof Personal;

/** Under these names, and no others, personal values stand in events, state and view. */
export const PERSONAL_FIELDS: readonly PersonalField[] = ['email', 'shipping', 'taxCertificate', 'metadata'];

/** Opens and seals the personal values of one life of one customer. Lives for one command or one answer. */
export class PersonalValues {
  /** What was sealed or opened here already: a command opens its customer to decide, and again to answer. */
  private readonly known = new Map<Sealed, unknown>();

  constructor(
    private readonly key: SubjectKey,
    private readonly ref: KeyRef,
  ) {}

  seal(field: string, value: unknown): Sealed {
    const sealed = seal(this.key, this.ref, field, value);
    this.known.set(sealed, value);
    return sealed;
  }

  sealEvent(event: CustomerEvent): JsonObject {
    const data: Record<string, unknown> = { ...event.data };
    for (const field of PERSONAL_FIELDS) {
      if (holdsPersonal(data[field])) data[field] = this.seal(field, data[field]);
    }
    return data as JsonObject;
  }

  /** What we sealed under this name is of this type: the seal binds the name, so nothing else opens. */
  open<F extends PersonalField>(field: F, sealed: Sealed): Personal[F] {
    if (!this.known.has(sealed)) this.known.set(sealed, open(this.key, this.ref, field, sealed));
    return this.known.get(sealed) as Personal[F];
  }

  /** @throws TypeError for what was not sealed as text */
  openText(field: string, sealed: Sealed): string {
    const value = open(this.key, this.ref, field, sealed);
    if (typeof value !== 'string') throw new TypeError('A sealed text is no text');
    return value;
  }

  openState(state: ActiveCustomer<SealedPersonal>): ActiveCustomer {
    const { email: _email, shipping: _shipping, metadata: _metadata, ...rest } = state;
    return { ...rest, ...this.openFields(state) };
  }

  openView(view: CustomerView): OpenedCustomer {
    return { view, ...this.openFields(view) };
  }

  private openFields(from: SealedFields): Omit<OpenedCustomer, 'view'> {
    return {
      ...(from.email && { email: this.open('email', from.email) }),
      ...(from.shipping && { shipping: this.open('shipping', from.shipping) }),
      ...(from.metadata && { metadata: this.open('metadata', from.metadata) }),
      taxCertificates: from.taxCertificates.map((sealed) => this.open('taxCertificate', sealed)),
    };
  }
}

interface SealedFields {
  readonly email?: Sealed | undefined;
  readonly shipping?: Sealed | undefined;
  readonly metadata?: Sealed | undefined;
  readonly taxCertificates: readonly Sealed[];
}

/** Whether an event carries a personal value, and so can't be stored without a key. */
export const isPersonal = (event: CustomerEvent): boolean =>
  Object.entries(event.data).some(([field, value]) => isPersonalField(field) && holdsPersonal(value));

/** Whether anything in the view needs a key to be read. */
export const viewHoldsPersonal = (view: SealedFields): boolean =>
  isSealed(view.email) || isSealed(view.shipping) || isSealed(view.metadata) || view.taxCertificates.length > 0;

const isPersonalField = (field: string): boolean => (PERSONAL_FIELDS as readonly string[]).includes(field);

const holdsPersonal = (value: unknown): boolean => value !== undefined && value !== null;
