import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { decode, type SealedCustomerEvent } from '../customers/customer-events.js';
import { type CustomerEventType, type EventData, EVENTS } from '../customers/domain/events.js';
import type { SealedPersonal } from '../customers/read-model/customer-view.js';
import { isSealed } from '../privacy/sealed.js';
import { toldValues } from './event-data.js';
import { VALUE_SCHEMAS } from './value-schemas.js';

const SOURCE_ID = 'fd74a5c5-0163-469a-ae8e-031f0259b576';
const sealed = { sealed: 'AAAA' };
const SAMPLES: EventData<SealedPersonal> = {
  CustomerCreated: {
    email: sealed,
    locale: 'en_US',
    type: 'business',
    enabled: true,
    shipping: sealed,
    metadata: sealed,
  },
  CustomerEmailChanged: { email: null },
  CustomerLocaleChanged: { locale: null },
  CustomerTypeChanged: { type: 'individual' },
  CustomerEnabled: {},
  CustomerDisabled: {},
  CustomerShippingChanged: { shipping: sealed },
  CustomerMetadataChanged: { metadata: sealed },
  TaxCertificateAdded: { taxCertificate: sealed },
  SourceAttached: { sourceId: SOURCE_ID, type: 'card', state: 'chargeable', reusable: true },
  SourceDetached: { sourceId: SOURCE_ID },
  DefaultSourceChanged: { sourceId: null },
  ForgetRequested: { dueAt: '2026-01-29T00:00:00.000Z' },
  ForgetRequestWithdrawn: {},
  LegalHoldPlaced: {},
  LegalHoldLifted: {},
  CustomerErased: { keyRevision: 1, cause: 'requested', reasonCode: 'gdpr' },
  CustomerDeleted: { keyRevision: 1 },
};

/** The data of each type in the table of the page; what stands behind a colon explains. */
const documented = new Map(
  readFileSync('docs/events.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `customer.'))
    .flatMap((line) => {
      const [, types = '', data = ''] = line.split('|');
      const values = namesIn(data.split(':')[0] ?? '');
      return namesIn(types).map((type) => [type, values] as const);
    }),
);

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const isValid = (name: string, value: unknown): boolean =>
  isSealed(value) || name === 'source' || ajv.validate(VALUE_SCHEMAS.get(name) ?? false, value);

describe('what other services get of an event', () => {
  it.each(Object.keys(SAMPLES) as CustomerEventType[])('is what its page names, and of its schema: %s', (type) => {
    const event = decode({ type, data: { ...SAMPLES[type], keptForItself: 'a' } });
    const told = toldValues(event, { customerId: 'c', at: 0 });
    expect(Object.keys(told)).toEqual(documented.get(EVENTS[type].name));
    expect(Object.entries(told).filter(([name, value]) => value === undefined || !isValid(name, value))).toEqual([]);
  });

  it('names a source as answers do', () => {
    const event: SealedCustomerEvent = { type: 'SourceAttached', data: SAMPLES.SourceAttached };
    expect(toldValues(event, { customerId: 'c', at: 0 })).toEqual({
      source: {
        id: SOURCE_ID,
        customerId: 'c',
        type: 'card',
        state: 'chargeable',
        reusable: true,
        createdTime: '1970-01-01T00:00:00.000Z',
      },
    });
  });
});
