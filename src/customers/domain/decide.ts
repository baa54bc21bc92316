import type { CustomerChanges } from './changes.js';
import type { CustomerCommand } from './commands.js';
import { CustomerError, customerErased, customerNotFound, legalHold } from './errors.js';
import type { CustomerEvent, SourceFacts } from './events.js';
import { mergeMetadata } from './metadata.js';
import type { Carried, Metadata } from './personal.js';
import { sameValue } from './same-value.js';
import type { ActiveCustomer, CustomerState } from './state.js';
import { refuseUnlessStored } from './stored-values.js';

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
  const { email, locale, type, enabled, shipping, metadata, taxCertificate } = command.changes;
  const kept = metadata == null ? undefined : mergeMetadata(undefined, metadata);
  const created: CustomerEvent = {
    type: 'CustomerCreated',
    data: {
      ...(email != null && { email }),
      ...(locale != null && { locale }),
      ...(type !== undefined && { type }),
      enabled: enabled ?? true,
      ...(shipping != null && { shipping }),
      ...(kept !== undefined && { metadata: kept }),
    },
  };
  return [
    created,
    ...(taxCertificate === undefined ? [] : [{ type: 'TaxCertificateAdded', data: { taxCertificate } } as const]),
    ...(command.claim === undefined ? [] : attached(command.claim.source, true)),
  ];
}

function change(changes: CustomerChanges, customer: ActiveCustomer): readonly CustomerEvent[] {
  refuseUnlessStored(changes, customer);
  return [
    ...changedProfile(changes, customer),
    ...changedPersonal(changes, customer),
    ...changedDefaultSource(changes.defaultSourceId, customer),
    ...(changes.requestToBeForgotten === false && customer.forgetDueAt !== undefined
      ? [{ type: 'ForgetRequestWithdrawn', data: {} } as const]
      : []),
  ];
}

function* changedProfile(changes: CustomerChanges, customer: ActiveCustomer): Iterable<CustomerEvent> {
  const { locale, type, enabled } = changes;
  if (locale !== undefined && locale !== (customer.locale ?? null)) {
    yield { type: 'CustomerLocaleChanged', data: { locale } };
  }
  if (type !== undefined && type !== customer.type) yield { type: 'CustomerTypeChanged', data: { type } };
  if (enabled !== undefined && enabled !== customer.enabled) {
    yield { type: enabled ? 'CustomerEnabled' : 'CustomerDisabled', data: {} };
  }
}

function* changedPersonal(changes: CustomerChanges, customer: ActiveCustomer): Iterable<CustomerEvent> {
  const { email, shipping, metadata, taxCertificate } = changes;
  if (email !== undefined && email !== (customer.email ?? null)) {
    yield { type: 'CustomerEmailChanged', data: { email } };
  }
  if (shipping !== undefined && !sameValue(shipping, customer.shipping ?? null)) {
    yield { type: 'CustomerShippingChanged', data: { shipping } };
  }
  if (metadata !== undefined) yield* changedMetadata(metadata, customer.metadata);
  if (taxCertificate !== undefined && !customer.taxCertificates.some((known) => sameValue(known, taxCertificate))) {
    yield { type: 'TaxCertificateAdded', data: { taxCertificate } };
  }
}

function* changedMetadata(wanted: Metadata | null, present: Metadata | undefined): Iterable<CustomerEvent> {
  const merged = wanted === null ? undefined : mergeMetadata(present, wanted);
  if (!sameValue(merged ?? null, present ?? null)) {
    yield { type: 'CustomerMetadataChanged', data: { metadata: merged ?? null } };
  }
}

function* changedDefaultSource(wanted: string | null | undefined, customer: ActiveCustomer): Iterable<CustomerEvent> {
  if (wanted === undefined || wanted === (customer.defaultSourceId ?? null)) return;
  if (wanted !== null && !customer.sources.some((source) => source.sourceId === wanted)) {
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
  if (customer.sources.some((known) => known.sourceId === sourceId)) return [];
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
  const remaining = customer.sources.filter((source) => source.sourceId !== sourceId);
  if (remaining.length === customer.sources.length) {
    throw new CustomerError('source_not_found', 'sourceId', 'The source is not attached to this customer');
  }
  const event: CustomerEvent = { type: 'SourceDetached', data: { sourceId } };
  if (customer.defaultSourceId !== sourceId) return [event];
  return [event, { type: 'DefaultSourceChanged', data: { sourceId: remaining.at(-1)?.sourceId ?? null } }];
}
