import type { JsonObject } from '../event-sourcing/event-store.js';
import type { SubjectKey } from '../privacy/key-ring.js';
import { isSealed, type Sealed } from '../privacy/sealed.js';
import { open, seal } from '../privacy/sealing.js';
import type { KeyRef } from '../privacy/subject-keys.js';
import type { CustomerEvent } from './domain/events.js';
import {
  PERSONAL_FIELDS,
  type Personal,
  type PersonalField,
  SINGLE_FIELDS,
  type SingleField,
} from './domain/fields.js';
import type { ActiveCustomer } from './domain/state.js';
import type { CustomerView, SealedPersonal } from './read-model/customer-view.js';
import type { OpenedCustomer, OpenedValues } from './read-model/opened-customer.js';

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
    return withOpened(state, this.openValues(state));
  }

  openView(view: CustomerView): OpenedCustomer {
    return { view, ...this.openValues(view) };
  }

  private openValues(from: SealedValues): OpenedValues {
    const opened: { -readonly [F in SingleField]?: Personal[F] } = {};
    for (const field of SINGLE_FIELDS) this.openInto(opened, field, from[field]);
    return { ...opened, taxCertificates: from.taxCertificates.map((sealed) => this.open('taxCertificate', sealed)) };
  }

  private openInto<F extends SingleField>(
    opened: { [K in F]?: Personal[K] },
    field: F,
    sealed: Sealed | undefined,
  ): void {
    if (sealed !== undefined) opened[field] = this.open(field, sealed);
  }
}

type SealedValues = Pick<ActiveCustomer<SealedPersonal>, SingleField | 'taxCertificates'>;

/** The customer with its personal values opened; without them where there are none, and so no key. */
export function withOpened(
  state: ActiveCustomer<SealedPersonal>,
  opened: OpenedValues = { taxCertificates: [] },
): ActiveCustomer {
  const { taxCertificates: _, ...rest } = state;
  for (const field of SINGLE_FIELDS) Reflect.deleteProperty(rest, field);
  const plain: Omit<typeof rest, SingleField> = rest;
  return { ...plain, ...opened };
}

/** Whether an event carries a personal value, and so can't be stored without a key. */
export const isPersonal = (event: CustomerEvent): boolean =>
  Object.entries(event.data).some(([field, value]) => isPersonalField(field) && holdsPersonal(value));

/** Whether anything in the view needs a key to be read. */
export const viewHoldsPersonal = (view: SealedValues): boolean =>
  SINGLE_FIELDS.some((field) => isSealed(view[field])) || view.taxCertificates.length > 0;

const isPersonalField = (field: string): boolean => (PERSONAL_FIELDS as readonly string[]).includes(field);

const holdsPersonal = (value: unknown): boolean => value !== undefined && value !== null;
