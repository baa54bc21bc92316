import type { CustomerChanges } from './changes.js';
import { changedFields, profileOf } from './decide-fields.js';
import { attach, attached, changedDefaultSource, type Claimed, detach } from './decide-sources.js';
import { CustomerError, customerErased, customerNotFound, legalHold } from './errors.js';
import type { CustomerEvent, ErasureCause } from './events.js';
import type { Carried } from './fields.js';
import type { ActiveCustomer, CustomerState } from './state.js';
import { refuseUnlessStored } from './stored-values.js';

/**
 * What can be asked of a customer. Facts from elsewhere (the clock, what the source directory said) are already in the
 * command, so that deciding is pure.
 */
export type CustomerCommand =
  /** `claim`: the source that `changes.defaultSourceId` names, claimed for the life that is to begin. */
  | { readonly kind: 'create'; readonly id: string; readonly changes: CustomerChanges; readonly claim?: Claimed }
  | { readonly kind: 'update'; readonly id: string; readonly changes: CustomerChanges }
  /** `dueAt`: UTC date-time at which the erasure takes effect if no request is open already. */
  | { readonly kind: 'forget'; readonly id: string; readonly changes: CustomerChanges; readonly dueAt: string }
  /** With cause `grace_period_over` only a request that is still open and due at `now` is carried out. */
  | {
      readonly kind: 'erase';
      readonly id: string;
      readonly cause: ErasureCause;
      readonly reasonCode?: string;
      readonly now: string;
    }
  | { readonly kind: 'delete'; readonly id: string }
  /** Under a legal hold a customer is neither erased nor deleted. */
  | { readonly kind: 'place_hold' | 'lift_hold'; readonly id: string }
  /** In another life than the one the source was claimed for there is nothing to attach. */
  | { readonly kind: 'attach_source'; readonly id: string; readonly claim: Claimed }
  | { readonly kind: 'detach_source'; readonly id: string; readonly sourceId: string };

/** The name of each command on the bus: metrics speak of the same. */
export const COMMAND_NAMES: Readonly<Record<CustomerCommand['kind'], string>> = {
  create: 'CreateCustomer',
  update: 'UpdateCustomer',
  forget: 'ForgetCustomer',
  erase: 'EraseCustomer',
  delete: 'DeleteCustomer',
  place_hold: 'PlaceLegalHold',
  lift_hold: 'LiftLegalHold',
  attach_source: 'AttachSource',
  detach_source: 'DetachSource',
};

/**
 * The decision: what follows from a command in a state. No event means there is nothing to do, so a repeat is harmless.
 * @throws CustomerError the command is refused
 */
export function decide(command: CustomerCommand, state: CustomerState): readonly CustomerEvent[] {
  switch (command.kind) {
    case 'create':
      return create(command, state);
    case 'update':
      return change(command.changes, activeOrRefuse(command.id, state));
    case 'forget':
      return forget(command, activeOrRefuse(command.id, state));
    case 'erase':
      return erase(command, state);
    case 'delete':
      return remove(command.id, activeOrRefuse(command.id, state));
    case 'place_hold':
      return hold(true, activeOrRefuse(command.id, state));
    case 'lift_hold':
      return hold(false, activeOrRefuse(command.id, state));
    case 'attach_source':
      return attach(command.id, command.claim, activeOrRefuse(command.id, state));
    case 'detach_source':
      return detach(command.sourceId, activeOrRefuse(command.id, state));
    default:
      return command satisfies never;
  }
}

/** The active customer, or the refusal that tells why there is none. */
export function activeOrRefuse<P extends Carried>(id: string, state: CustomerState<P>): ActiveCustomer<P> {
  switch (state.status) {
    case 'active':
      return state;
    case 'erased':
      throw customerErased(id);
    case 'none':
    case 'deleted':
      throw customerNotFound(id);
    default:
      return state satisfies never;
  }
}

export function create(
  command: Extract<CustomerCommand, { kind: 'create' }>,
  state: CustomerState,
): readonly CustomerEvent[] {
  // A default source that was not claimed for just this life: the id was taken when its source was to be claimed.
  const unclaimed = command.changes.defaultSourceId != null && command.claim?.life !== state.life + 1;
  if (state.status === 'active' || state.status === 'erased' || unclaimed) {
    throw new CustomerError('already_exists', 'id', `Customer '${command.id}' already exists`);
  }
  const { taxCertificate } = command.changes;
  const created: CustomerEvent = { type: 'CustomerCreated', data: profileOf(command.changes) };
  return [
    created,
    ...(taxCertificate == null ? [] : [{ type: 'TaxCertificateAdded', data: { taxCertificate } } as const]),
    ...(command.claim === undefined ? [] : attached(command.claim.source, true)),
  ];
}

function change(changes: CustomerChanges, customer: ActiveCustomer): readonly CustomerEvent[] {
  refuseUnlessStored(changes, customer);
  return [
    ...changedFields(changes, customer),
    ...changedDefaultSource(changes.defaultSourceId, customer),
    ...(changes.requestToBeForgotten === false && customer.forgetDueAt !== undefined
      ? [{ type: 'ForgetRequestWithdrawn', data: {} } as const]
      : []),
  ];
}

function forget(
  command: Extract<CustomerCommand, { kind: 'forget' }>,
  customer: ActiveCustomer,
): readonly CustomerEvent[] {
  const requested: readonly CustomerEvent[] =
    customer.forgetDueAt === undefined ? [{ type: 'ForgetRequested', data: { dueAt: command.dueAt } }] : [];
  return [...change(command.changes, customer), ...requested];
}

function erase(command: Extract<CustomerCommand, { kind: 'erase' }>, state: CustomerState): readonly CustomerEvent[] {
  if (state.status === 'erased') return [];
  const customer = activeOrRefuse(command.id, state);
  const due = customer.forgetDueAt !== undefined && customer.forgetDueAt <= command.now;
  const { cause, reasonCode } = command;
  // What is due while it is held waits, and is done once the hold is lifted.
  if (cause === 'grace_period_over' && (!due || customer.legalHold === true)) return [];
  if (customer.legalHold === true) throw legalHold(command.id);
  const why = { cause, ...(reasonCode !== undefined && { reasonCode }) };
  return [{ type: 'CustomerErased', data: { keyRevision: customer.life, ...why } }];
}

function hold(wanted: boolean, customer: ActiveCustomer): readonly CustomerEvent[] {
  if (wanted === (customer.legalHold ?? false)) return [];
  return [{ type: wanted ? 'LegalHoldPlaced' : 'LegalHoldLifted', data: {} }];
}

function remove(id: string, customer: ActiveCustomer): readonly CustomerEvent[] {
  if (customer.legalHold === true) throw legalHold(id);
  return [{ type: 'CustomerDeleted', data: { keyRevision: customer.life } }];
}
