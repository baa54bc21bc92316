// The customers of the fixtures: people who are made up.

/** Has every field, and values in several scripts. */
export const FULL = {
  id: '5823594808',
  email: 'Jane.Doe+orders@example.com',
  locale: 'de_DE',
  type: 'business',
  enabled: true,
  shipping: {
    name: 'Jané Döe 山田 花子 👩‍🚀',
    phone: '+41 44 123 45 67',
    email: 'jane.delivery@example.org',
    organization: 'Example & Söhne "GmbH"',
    address: {
      country: 'CH',
      line1: 'Bahnhofstraße 1',
      line2: 'c/o Empfang',
      city: 'Zürich',
      postalCode: '8001',
      state: 'ZH',
    },
    additionalAddressInfo: { neighborhood: 'Kreis 1', division: 'EU', phoneticName: 'ヤマダ ハナコ' },
  },
  metadata: {
    tier: 'gold',
    points: 1200,
    ratio: -0.125,
    vip: true,
    nested: { list: [1, 'two', { three: null }], empty: {} },
    'key with spaces': '{"a":"string"}',
  },
};

export const CERTIFICATE = {
  companyName: 'Example & Söhne GmbH',
  taxAuthority: 'WA',
  startDate: '2026-01-01T00:00:00Z',
  endDate: '2030-12-31T23:59:59Z',
  fileId: '0a7ed3a6-2a4f-4a3e-9f7d-3f3a3b1d9c55',
};

export const SOURCES = [
  'fd74a5c5-0163-469a-ae8e-031f0259b576',
  '0d4d5d2e-6a1f-4f5e-8f0a-6b1d3c0b7a11',
  '3f2c1b0a-9d8e-4c7b-a6f5-e4d3c2b1a099',
];

/**
 * Values that one release accepts and a later one may refuse in new requests. Stored ones stay readable and may be sent back
 * unchanged.
 */
export const ODD = [
  { id: 'odd-line-break', email: '"x\r\nBcc: other@example.com"@example.org' },
  { id: 'odd-zero-width', email: 'jane@exam\u200bple.com' },
  { id: 'odd-quoted', email: '"john doe+tag"@example.org' },
  { id: 'odd-direction', shipping: { name: 'evil\u202egnp.exe', address: { country: 'US' } } },
  { id: 'odd-controls', shipping: { name: 'a\u0000b\u0007c\u001b[31m', address: { country: 'US', line1: 'x\ty\nz' } } },
  { id: 'odd-surrogate', metadata: { lone: '\ud800' } },
  { id: 'odd-integer', metadata: { id: 1_524_831_183_200_260_096, nested: { id: 1e21 } } },
  { id: 'odd.ID_of-40-characters-aaaaaaaaaaaaaaaa', email: 'ΣΊΣΥΦΟΣ@example.com' },
];
