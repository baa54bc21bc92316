import fc from 'fast-check';
import type { JsonObject } from '../../src/event-sourcing/event-store.js';

/** An event as it is to be sealed and appended. */
export interface ModelEvent {
  readonly type: string;
  readonly data: JsonObject;
  readonly personal: JsonObject;
}

type Fields = Record<string, unknown>;

/** The customer after an event, in plain words. */
export interface Snapshot {
  readonly at: number;
  readonly life: number;
  readonly status: 'active' | 'erased' | 'deleted';
  /** Undefined where it was deleted. */
  readonly customer: Fields | undefined;
  /** Which event wrote each of its personal values. */
  readonly writtenBy: Readonly<Record<string, number>>;
}

const personal = ['email', 'shipping', 'metadata', 'taxCertificates'];

/** The same customer with a mark for each personal value. */
export function masked({ customer, status }: Snapshot, mark: string): Fields | undefined {
  if (customer === undefined || status !== 'active') return customer;
  const marks = Object.entries(customer).map(([name, value]) => {
    if (!personal.includes(name)) return [name, value];
    return [name, Array.isArray(value) ? value.map(() => mark) : mark];
  });
  return Object.fromEntries(marks) as Fields;
}

/** What a customer is, told once more and without looking at the service: a bag of fields that each event writes to. */
export class CustomerModel {
  readonly snapshots: Snapshot[] = [];
  private fields: Fields | undefined;
  private status: Snapshot['status'] = 'deleted';
  private life = 0;
  private writtenBy: Record<string, number> = {};

  constructor(private readonly id: string) {}

  /** What can be done just now; undefined for what can't. */
  eventFor(step: Step): ModelEvent | undefined {
    if (this.status === 'erased') return undefined;
    const event = (type: string, data: JsonObject = {}, sealed: JsonObject = {}): ModelEvent => ({
      type,
      data,
      personal: sealed,
    });
    if (this.status === 'deleted') {
      const { email, metadata, locale, enabled } = step;
      const sealed = { ...(email !== null && { email }), ...(metadata !== null && { metadata }) };
      return event('CustomerCreated', { enabled, ...(locale !== null && { locale }) }, sealed);
    }
    const change = (type: string, name: string, value: Json): ModelEvent =>
      value === null ? event(type, { [name]: null }) : event(type, {}, { [name]: value });
    switch (step.what) {
      case 'email':
        return change('CustomerEmailChanged', 'email', step.email);
      case 'metadata':
        return change('CustomerMetadataChanged', 'metadata', step.metadata);
      case 'shipping':
        return change('CustomerShippingChanged', 'shipping', step.shipping);
      case 'certificate':
        return event('TaxCertificateAdded', {}, { taxCertificate: { companyName: step.text, fileId: 'f' } });
      case 'locale':
        return event('CustomerLocaleChanged', { locale: step.locale });
      case 'type':
        return event('CustomerTypeChanged', { type: step.enabled ? 'business' : 'individual' });
      case 'hold':
        return event(step.enabled ? 'LegalHoldPlaced' : 'LegalHoldLifted');
      case 'enabled':
        return event(step.enabled ? 'CustomerEnabled' : 'CustomerDisabled');
      case 'attach':
        return event('SourceAttached', { sourceId: `s${step.n}`, state: 'chargeable', reusable: true });
      case 'detach':
        return event('SourceDetached', { sourceId: `s${step.n}` });
      case 'default':
        return event('DefaultSourceChanged', { sourceId: step.enabled ? `s${step.n}` : null });
      case 'forget':
        return step.enabled
          ? event('ForgetRequested', { dueAt: '2026-02-01T00:00:00.000Z' })
          : event('ForgetRequestWithdrawn');
      case 'erase':
        return event('CustomerErased', { keyRevision: this.life, cause: 'requested' });
      case 'delete':
        return event('CustomerDeleted', { keyRevision: this.life });
    }
  }

  take({ type, data, personal: sealed }: ModelEvent, at: number): void {
    const time = new Date(at).toISOString();
    if (type === 'CustomerCreated') {
      this.life += 1;
      this.status = 'active';
      this.fields = { id: this.id, requestToBeForgotten: false, taxCertificates: [], sources: [], liveMode: false };
      this.fields['createdTime'] = time;
    }
    const fields = { ...this.fields };
    const { taxCertificate, ...values } = sealed;
    if (taxCertificate !== undefined)
      fields['taxCertificates'] = [...listIn(fields, 'taxCertificates'), taxCertificate];
    Object.assign(fields, values);
    this.write(fields, type, data, time);
    for (const [name, value] of Object.entries(fields)) if (value === null) delete fields[name];
    this.fields = { ...fields, updatedTime: time };
    const customer = this.status === 'deleted' ? undefined : this.fields;
    if (this.status !== 'active') this.writtenBy = {};
    const revision = this.snapshots.length;
    const written = Object.keys(values).map((name) => [name, revision] as const);
    this.writtenBy = { ...this.writtenBy, ...Object.fromEntries(written) };
    const { writtenBy } = this;
    this.snapshots.push({ writtenBy, at, life: this.life, status: this.status, customer });
  }

  private write(fields: Fields, type: string, data: JsonObject, time: string): void {
    const { sourceId, state, reusable } = data;
    const isOther = (source: unknown): boolean => (source as { id: string }).id !== sourceId;
    if (type === 'SourceAttached')
      fields['sources'] = [
        ...listIn(fields, 'sources'),
        { id: sourceId, customerId: this.id, state, reusable, createdTime: time },
      ];
    else if (type === 'SourceDetached') fields['sources'] = listIn(fields, 'sources').filter(isOther);
    else if (type === 'DefaultSourceChanged') fields['defaultSourceId'] = sourceId;
    else if (type === 'CustomerEnabled' || type === 'CustomerDisabled') fields['enabled'] = type === 'CustomerEnabled';
    else if (type === 'ForgetRequested' || type === 'ForgetRequestWithdrawn')
      fields['requestToBeForgotten'] = type === 'ForgetRequested';
    else if (type === 'CustomerErased' || type === 'CustomerDeleted') {
      this.status = type === 'CustomerErased' ? 'erased' : 'deleted';
      for (const name of Object.keys(fields))
        if (!['id', 'createdTime', 'liveMode'].includes(name)) delete fields[name];
      Object.assign(fields, { enabled: false, requestToBeForgotten: true });
    } else Object.assign(fields, data);
  }
}

const listIn = (fields: Fields, name: string): unknown[] => fields[name] as unknown[];

type Json = JsonObject[string];

export interface Step {
  readonly what: (typeof WHAT)[number];
  readonly email: string | null;
  readonly metadata: JsonObject | null;
  readonly shipping: JsonObject | null;
  readonly locale: string | null;
  readonly enabled: boolean;
  readonly text: string;
  readonly n: number;
  /** Before it, milliseconds. */
  readonly pause: number;
}

const WHAT = [
  'email',
  'metadata',
  'shipping',
  'certificate',
  'locale',
  'type',
  'hold',
  'enabled',
  'attach',
  'detach',
  'default',
  'forget',
  'erase',
  'delete',
] as const;

const name = fc.constantFrom('a', 'b', 'a/b', '~1', 'constructor', '__proto__', '0', 'ü');
const value = fc.oneof(
  fc.constantFrom<Json[]>(null, true, 0, 1, '', 'x', [], {}),
  fc.array(fc.constantFrom(1, 2, 'x'), { maxLength: 3 }),
  fc.dictionary(name, fc.constantFrom<Json[]>(1, 'x', null, []), { maxKeys: 3 }),
);
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 4 });

export const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof({ weight: 7, arbitrary: fc.constantFrom(...WHAT) }, fc.constantFrom<Step['what'][]>('delete')),
  email: orNull(fc.constantFrom('a@example.com', 'b@example.com', 'ü@example.com')),
  metadata: orNull(fc.dictionary(name, value, { maxKeys: 4 })),
  shipping: orNull(
    fc.record({ name: fc.constantFrom('J', 'K'), address: fc.record({ country: fc.constantFrom('US', 'DE') }) }),
  ),
  locale: orNull(fc.constantFrom('en_US', 'de_DE')),
  enabled: fc.boolean(),
  text: fc.constantFrom('A', 'B'),
  n: fc.nat(3),
  pause: fc.constantFrom(0, 0, 1, 1_000),
});
