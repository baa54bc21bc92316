import { decide } from './decide.js';
import { CustomerError, ValuesRefused } from './errors.js';
import type { CustomerChanges } from './changes.js';
import type { ActiveCustomer } from './state.js';
import type { OnlyAsStored } from './stored-values.js';

const only = (...path: string[]): OnlyAsStored => ({
  path,
  code: path[0] === 'metadata' ? 'invalid_metadata_value' : 'invalid_parameter',
  parameter: path[0] === 'metadata' ? 'metadata' : path.join('.'),
  message: 'not any more',
});
const certificate = {
  companyName: 'A\nB',
  taxAuthority: 'T',
  startDate: '2026-01-01',
  endDate: '2026-12-31',
  fileId: 'f',
};
const begun = { status: 'active', life: 1, createdTime: '', updatedTime: '', requestToBeForgotten: false } as const;
const standing: ActiveCustomer = {
  ...begun,
  enabled: true,
  email: '"\n"@example.org',
  shipping: { name: 'Jane\u0000', address: { country: 'US', city: 'A\u0001' } },
  metadata: { 'k\n': 1, big: 1524831183200260000, list: ['\u0000'] },
  taxCertificates: [certificate],
  sources: [],
};

const update = (changes: CustomerChanges, state = standing): unknown => {
  try {
    return decide({ kind: 'update', id: 'c1', changes }, state);
  } catch (error) {
    if (error instanceof ValuesRefused) return error.refusals.map(({ parameter }) => parameter);
    if (error instanceof CustomerError) return error.code;
    throw error;
  }
};

describe('a value that is good only where it stands already', () => {
  it('changes nothing when it is sent back as it is', () => {
    const changes: CustomerChanges = {
      email: '"\n"@example.org',
      shipping: { name: 'Jane\u0000', address: { country: 'US', city: 'A\u0001' } },
      metadata: { 'k\n': 1, big: 1524831183200260000, list: ['\u0000'] },
      taxCertificate: certificate,
      onlyAsStored: [
        only('email'),
        only('shipping', 'name'),
        only('shipping', 'address', 'city'),
        only('metadata', 'k\n'),
        only('metadata', 'big'),
        only('metadata', 'list'),
        only('taxCertificate', 'companyName'),
      ],
    };
    expect(update(changes)).toEqual([]);
  });

  it('may stand beside others that change', () => {
    const shipping = { name: 'Jane\u0000', phone: '1' };
    expect(update({ shipping, onlyAsStored: [only('shipping', 'name')] })).toEqual([
      { type: 'CustomerShippingChanged', data: { shipping } },
    ]);
    expect(update({ metadata: { big: 1524831183200260000, a: 1 }, onlyAsStored: [only('metadata', 'big')] })).toEqual([
      { type: 'CustomerMetadataChanged', data: { metadata: { ...standing.metadata, a: 1 } } },
    ]);
  });

  it('is refused where another one stands, or none, all of them at once', () => {
    const changes: CustomerChanges = {
      email: '"\r"@example.org',
      shipping: { name: 'Jane\u0000', organization: 'A\n', address: { country: 'US', city: 'B\u0001' } },
      metadata: { big: 1524831183200260096 * 2, list: ['\u0000', '\u0000'], other: '\u0000' },
      taxCertificate: { ...certificate, fileId: 'g' },
      onlyAsStored: [
        only('email'),
        only('shipping', 'name'),
        only('shipping', 'organization'),
        only('shipping', 'address', 'city'),
        only('metadata', 'big'),
        only('metadata', 'list'),
        only('metadata', 'other'),
        only('taxCertificate', 'companyName'),
      ],
    };
    const refused = ['email', 'shipping.organization', 'shipping.address.city', 'metadata', 'metadata', 'metadata', 'taxCertificate.companyName']; // prettier-ignore
    expect(update(changes)).toEqual(refused);
    const empty: ActiveCustomer = { ...begun, enabled: true, taxCertificates: [], sources: [] };
    expect(update(changes, empty)).toHaveLength(changes.onlyAsStored?.length ?? 0);
  });

  it('is found by its own names alone', () => {
    expect(update({ metadata: { toString: '\u0000' }, onlyAsStored: [only('metadata', 'toString')] })).toEqual([
      'metadata',
    ]);
  });

  it('holds for an update that asks to be forgotten, too, and tells nothing of a customer that is none', () => {
    const changes = { email: '"\r"@example.org', onlyAsStored: [only('email')] };
    expect(() => decide({ kind: 'forget', id: 'c1', changes, dueAt: '2026-01-01T00:00:00.000Z' }, standing)).toThrow(
      ValuesRefused,
    );
    expect(() => decide({ kind: 'update', id: 'c1', changes }, { ...begun, status: 'erased' })).toThrow(/erased/);
  });
});
