/** The customer that the documentation shows, in full and after its erasure. */
export const SOURCE_ID = 'fd74a5c5-0163-469a-ae8e-031f0259b576';
export const SOURCE = {
  id: SOURCE_ID,
  customerId: '5823594808',
  state: 'chargeable',
  reusable: true,
  createdTime: '2026-03-01T09:31:00.000Z',
};
export const CUSTOMER = {
  id: '5823594808',
  email: 'jane@example.com',
  locale: 'en_US',
  type: 'individual',
  enabled: true,
  defaultSourceId: SOURCE_ID,
  requestToBeForgotten: false,
  shipping: { name: 'Jane Doe', address: { country: 'US', city: 'Mountain View', state: 'CA' } },
  taxCertificates: [],
  metadata: { tier: 'gold' },
  sources: [SOURCE],
  createdTime: '2026-03-01T09:30:00.000Z',
  updatedTime: '2026-03-01T09:31:00.000Z',
  liveMode: false,
};
export const ERASED = {
  id: '5823594808',
  enabled: false,
  requestToBeForgotten: true,
  createdTime: '2026-03-01T09:30:00.000Z',
  updatedTime: '2026-03-29T09:31:00.000Z',
  liveMode: false,
};
