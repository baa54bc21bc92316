import { MalformedEvent } from '../event-sourcing/envelope.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { decode } from './customer-events.js';
import { EVENTS } from './domain/events.js';

const sealed = { sealed: 'AAAA' };

/** The storage format, release by release: what was ever written must be readable for good. Lines are only ever added. */
const WRITTEN_BY_RELEASE_0_1 = [
  '{"type":"CustomerCreated","data":{"enabled":true}}',
  '{"type":"CustomerCreated","data":{"email":{"sealed":"AAAA"},"locale":"en_US","type":"business","enabled":false,"shipping":{"sealed":"AAAA"},"metadata":{"sealed":"AAAA"}}}',
  '{"type":"CustomerEmailChanged","data":{"email":{"sealed":"AAAA"}}}',
  '{"type":"CustomerEmailChanged","data":{"email":null}}',
  '{"type":"CustomerLocaleChanged","data":{"locale":"de_DE"}}',
  '{"type":"CustomerLocaleChanged","data":{"locale":null}}',
  '{"type":"CustomerTypeChanged","data":{"type":"individual"}}',
  '{"type":"CustomerEnabled","data":{}}',
  '{"type":"CustomerDisabled","data":{}}',
  '{"type":"CustomerShippingChanged","data":{"shipping":{"sealed":"AAAA"}}}',
  '{"type":"CustomerMetadataChanged","data":{"metadata":null}}',
  '{"type":"TaxCertificateAdded","data":{"taxCertificate":{"sealed":"AAAA"}}}',
  '{"type":"SourceAttached","data":{"sourceId":"s1","type":"creditCard","state":"chargeable","reusable":true}}',
  '{"type":"SourceAttached","data":{"sourceId":"s1","state":"chargeable","reusable":true}}',
  '{"type":"SourceDetached","data":{"sourceId":"s1"}}',
  '{"type":"DefaultSourceChanged","data":{"sourceId":null}}',
  '{"type":"ForgetRequested","data":{"dueAt":"2026-02-01T00:00:00.000Z"}}',
  '{"type":"ForgetRequestWithdrawn","data":{}}',
  '{"type":"CustomerErased","data":{"keyRevision":1,"cause":"grace_period_over"}}',
  '{"type":"LegalHoldPlaced","data":{}}',
  '{"type":"LegalHoldLifted","data":{}}',
  '{"type":"CustomerErased","data":{"keyRevision":1,"cause":"requested","reasonCode":"gdpr_art_17"}}',
  '{"type":"CustomerDeleted","data":{"keyRevision":2}}',
];

describe('decode', () => {
  it.each(WRITTEN_BY_RELEASE_0_1)('reads what release 0.1 wrote: %s', (json) => {
    const stored = JSON.parse(json) as Parameters<typeof decode>[0];
    expect(decode(stored)).toEqual(stored);
  });

  it('is held to a line of every event there is', () => {
    const written = WRITTEN_BY_RELEASE_0_1.map((json) => (JSON.parse(json) as { type: string }).type);
    expect(Object.keys(EVENTS).filter((type) => !written.includes(type))).toEqual([]);
  });

  it('brings an older shape up to date, over several steps', () => {
    const upcasters = {
      CustomerBorn: ({ data }: { data: object }) => ({ type: 'CustomerCreated.v0', data: { ...data, enabled: 1 } }),
      'CustomerCreated.v0': () => ({ type: 'CustomerCreated', data: { enabled: true } }),
    };
    expect(decode({ type: 'CustomerBorn', data: {} }, upcasters)).toEqual({
      type: 'CustomerCreated',
      data: { enabled: true },
    });
  });

  it.each(['CustomerPromoted', 'constructor', '__proto__', 'toString'])('knows no event %s', (type) => {
    expect(() => decode({ type, data: {} })).toThrow(UnknownEventType);
  });

  it.each([
    { type: 'CustomerCreated', data: { enabled: 'true' } },
    { type: 'CustomerCreated', data: { enabled: true, email: 'in@clear.example' } },
    { type: 'CustomerEmailChanged', data: {} },
    { type: 'CustomerEmailChanged', data: { email: 'in@clear.example' } },
    { type: 'TaxCertificateAdded', data: { taxCertificate: { companyName: 'in clear' } } },
    { type: 'SourceAttached', data: { sourceId: 's1', state: 'chargeable' } },
    { type: 'CustomerErased', data: { keyRevision: 1.5, cause: 'requested' } },
  ])('refuses a $type that is not of its shape', (stored) => {
    expect(() => decode(stored)).toThrow(MalformedEvent);
  });

  it('carries sealed values through unopened', () => {
    const event = decode({ type: 'CustomerEmailChanged', data: { email: sealed } });
    expect(event.data).toEqual({ email: sealed });
  });
});
