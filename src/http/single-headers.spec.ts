import { repeatedHeader } from './single-headers.js';

const twice = (name: string, one: string, other: string): string[] => [
  'Host',
  'a',
  name,
  one,
  'Accept',
  '*/*',
  name,
  other,
];

describe('a header', () => {
  it.each(['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Reason', 'Last-Event-ID', 'Origin'])(
    '%s stands once, its lines equal or not, in any case',
    (name) => {
      for (const [one, other] of [
        ['a', 'b'],
        ['a', 'a'],
        ['a', ''],
      ] as const) {
        const refusal = repeatedHeader(
          twice(name, one, other).map((text) => (text === name ? name.toLowerCase() : text)),
        );
        expect([refusal?.status, refusal?.faults]).toEqual([
          400,
          [{ code: 'invalid_parameter', parameter: name, message: `${name} can be sent once only` }],
        ]);
      }
      expect(repeatedHeader(['HOST', 'a', name.toUpperCase(), 'a'])).toBeUndefined();
    },
  );

  it('Host stands once', () => {
    expect(repeatedHeader(['Host', 'a', 'host', 'a'])?.faults).toMatchObject([{ parameter: 'Host' }]);
  });

  it.each(['Accept', 'If-Match', 'X-Request-Id', 'Via', 'traceparent', 'X-Forwarded-For', 'Cookie'])(
    '%s may have several lines: they combine, or are passed over',
    (name) => {
      expect(repeatedHeader(twice(name, 'a', 'b'))).toBeUndefined();
    },
  );
});
