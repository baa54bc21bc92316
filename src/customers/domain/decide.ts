import type { CustomerChanges } from './changes.js';
import { CustomerError, customerErased, customerNotFound, legalHold } from './errors.js';
import type { CustomerEvent, ErasureCause, SourceFacts } from './events.js';
import {
  type Carried,
  FIELDS,
  type Profile,
  SETTABLE,
  SETTABLE_FIELDS,
  type SettableField,
  type Values,
} from './fields.js';
import { sameValue } from './same-value.js';
import type { ActiveCustomer, CustomerState } from './state.js';

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

export interface Claimed {
  readonly source: SourceFacts;
  readonly life: number;
}

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
      return attach(command, activeOrRefuse(command.id, state));
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

function profileOf(changes: CustomerChanges): Profile {
  const profile: { -readonly [F in SettableField]?: Values[F] } = {};
  for (const field of SETTABLE_FIELDS) set(profile, field, changes[field] ?? SETTABLE[field].initial);
  return { ...profile, enabled: profile.enabled ?? FIELDS.enabled.initial };
}

function set<F extends SettableField>(profile: { [K in F]?: Values[K] }, field: F, asked: Values[F] | undefined): void {
  const value = asked === undefined ? undefined : resulting(field, asked, undefined);
  if (value !== undefined) profile[field] = value;
}

function resulting<F extends SettableField>(
  field: F,
  asked: Values[F],
  present: Values[F] | undefined,
): Values[F] | undefined {
  const { merged } = SETTABLE[field];
  return merged === undefined ? asked : merged(present, asked);
}

function change(changes: CustomerChanges, customer: ActiveCustomer): readonly CustomerEvent[] {
  return [
    ...PLAIN_FIRST.flatMap((field) => changedField(field, changes[field], customer[field])),
    ...addedCertificate(changes.taxCertificate, customer),
    ...changedDefaultSource(changes.defaultSourceId, customer),
    ...(changes.requestToBeForgotten === false && customer.forgetDueAt !== undefined
      ? [{ type: 'ForgetRequestWithdrawn', data: {} } as const]
      : []),
  ];
}

/** Events of one command: first the fields that are not personal. */
const PLAIN_FIRST = [...SETTABLE_FIELDS].sort((a, b) => Number(FIELDS[a].personal) - Number(FIELDS[b].personal));

function changedField<F extends SettableField>(
  field: F,
  asked: Values[F] | null | undefined,
  present: Values[F] | undefined,
): readonly CustomerEvent[] {
  if (asked === undefined) return [];
  const { changed, cleared } = SETTABLE[field];
  const next = asked === null ? undefined : resulting(field, asked, present);
  if (sameValue(next, present)) return [];
  if (next !== undefined) return [changed(next)];
  return cleared === undefined ? [] : [cleared];
}

function addedCertificate(
  taxCertificate: CustomerChanges['taxCertificate'],
  customer: ActiveCustomer,
): readonly CustomerEvent[] {
  if (taxCertificate == null || customer.taxCertificates.some((known) => sameValue(known, taxCertificate))) return [];
  return [{ type: 'TaxCertificateAdded', data: { taxCertificate } }];
}

function* changedDefaultSource(wanted: string | null | undefined, customer: ActiveCustomer): Iterable<CustomerEvent> {
  if (wanted === undefined || wanted === (customer.defaultSourceId ?? null)) return;
  if (wanted !== null && !customer.sources.some(({ id }) => id === wanted)) {
    throw new CustomerError('invalid_parameter', 'defaultSourceId', 'The default source must be an attached source');
  }
  yield { type: 'DefaultSourceChanged', data: { sourceId: wanted } };
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

function attach(
  command: Extract<CustomerCommand, { kind: 'attach_source' }>,
  customer: ActiveCustomer,
): readonly CustomerEvent[] {
  if (customer.life !== command.claim.life) throw customerNotFound(command.id);
  const { source } = command.claim;
  const { sourceId } = source;
  if (customer.sources.some(({ id }) => id === sourceId)) return [];
  if (customer.detachedSources.includes(sourceId)) throw sourceNotChargeable();
  return attached(source, customer.sources.length === 0);
}

export const sourceNotChargeable = (): CustomerError =>
  new CustomerError('source_not_chargeable', 'sourceId', 'The source is not chargeable, or was detached before');

function attached(source: SourceFacts, asDefault: boolean): readonly CustomerEvent[] {
  const event: CustomerEvent = { type: 'SourceAttached', data: source };
  return asDefault ? [event, { type: 'DefaultSourceChanged', data: { sourceId: source.sourceId } }] : [event];
}

function detach(sourceId: string, customer: ActiveCustomer): readonly CustomerEvent[] {
  const remaining = customer.sources.filter(({ id }) => id !== sourceId);
  if (remaining.length === customer.sources.length) {
    throw new CustomerError('source_not_found', 'sourceId', 'The source is not attached to this customer');
  }
  const event: CustomerEvent = { type: 'SourceDetached', data: { sourceId } };
  if (customer.defaultSourceId !== sourceId) return [event];
  return [event, { type: 'DefaultSourceChanged', data: { sourceId: remaining.at(-1)?.id ?? null } }];
}
