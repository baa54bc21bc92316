import {
  DATE_OR_TIME_PATTERN,
  DATE_TIME_PATTERN,
  parseDateOrDateTime,
  parseDateTime,
  parseSentDateTime,
} from './date-time.js';

const at = (iso: string): number => Date.parse(iso);

/** docs/values.md shows some of these. */
const TAKEN: readonly (readonly [sent: string, means: number, who: string])[] = [
  ['2021-04-07T01:02:03Z', at('2021-04-07T01:02:03Z'), 'RFC 3339'],
  ['2021-04-07t01:02:03z', at('2021-04-07T01:02:03Z'), 'RFC 3339 in lower case'],
  ['2021-04-07 01:02:03Z', at('2021-04-07T01:02:03Z'), 'RFC 3339 with a space'],
  ['2021-04-07T01:02:03+02:00', at('2021-04-06T23:02:03Z'), 'an offset'],
  ['2021-04-07T01:02:03-00:00', at('2021-04-07T01:02:03Z'), 'an unknown offset of RFC 3339'],
  ['2021-04-07T01:02:03+05:45', at('2021-04-06T19:17:03Z'), 'an offset of quarters'],
  ['2021-04-07T00:00:00+0000', at('2021-04-07T00:00:00Z'), 'Salesforce, PHP (DATE_ISO8601)'],
  ['2021-04-07T00:00:00.000+0000', at('2021-04-07T00:00:00Z'), 'Salesforce'],
  ['2021-04-07T01:02:03-0130', at('2021-04-07T02:32:03Z'), 'an offset without a colon'],
  ['2021-04-07 01:02:03+00', at('2021-04-07T01:02:03Z'), 'PostgreSQL'],
  ['2021-04-07T00:00Z', at('2021-04-07T00:00:00Z'), 'OffsetDateTime of Java'],
  ['2021-04-07T10:30+02:00', at('2021-04-07T08:30:00Z'), 'OffsetDateTime of Java'],
  ['2021-04-07T01:02:03.5Z', at('2021-04-07T01:02:03.500Z'), 'a fraction'],
  ['2021-04-07T01:02:03,5Z', at('2021-04-07T01:02:03.500Z'), 'a fraction as ISO 8601 prefers it'],
  ['2021-04-07T01:02:03.1234567Z', at('2021-04-07T01:02:03.123Z') + 0.4567, '.NET'],
  ['2021-04-07T01:02:03.123456789Z', at('2021-04-07T01:02:03.123Z') + 0.456789, 'Go, Java'],
  ['0000-01-01T00:00:00Z', at('0000-01-01T00:00:00Z'), 'the first year'],
  ['9999-12-31T23:59:59.999Z', at('9999-12-31T23:59:59.999Z'), 'the last year'],
  ['2024-02-29T00:00:00Z', at('2024-02-29T00:00:00Z'), 'a leap day'],
];

const REFUSED = [
  '', 'now', 'yesterday', '2021-04-07', '2021-04-07T00:00:00', '2021-04-07T00:00', '2021-04-07 00:00', '2021-04-07T00Z', '2021-04T00:00:00Z',
  '2021-13-01T00:00:00Z', '2021-00-01T00:00:00Z', '2021-02-29T00:00:00Z', '2021-04-31T00:00:00Z', '2021-04-00T00:00:00Z',
  '2021-04-07T24:00:00Z', '2021-04-07T25:00:00Z', '2021-04-07T00:60:00Z', '2016-12-31T23:59:60Z', '2021-04-07T00:00:00+24:00',
  '2021-04-07T00:00:00+00:60', '2021-04-07T00:00:00+0', '2021-04-07T00:00:00+000', '2021-04-07T00:00:00 +00:00',
  '2021-04-07T00:00:00.Z', '2021-04-07T00:00:00.1234567890Z', '2021-04-07T00:00.5Z', '20210407T000000Z', '2021-4-7T0:0:0Z', '21-04-07T00:00:00Z',
  '10000-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', '-0001-01-01T00:00:00Z', '2021-097T00:00:00Z', '2021-W14-3T00:00:00Z',
  '2021-04-07T00:00:00Z[UTC]', '2021-04-07T00:00:00 UTC', '2021-04-07T00:00:00EST', 'Wed, 07 Apr 2021 00:00:00 GMT', '1617753600', '1617753600000',
  ' 2021-04-07T00:00:00Z', '2021-04-07T00:00:00Z ', '2021-04-07T00:00:00Z\n', '２021-04-07T00:00:00Z', '2021/04/07T00:00:00Z', '2021-04-07T00:00:00\u221202:00',
]; // prettier-ignore

describe('a date-time', () => {
  it.each(TAKEN)('%s is taken', (sent, means) => {
    expect(parseDateTime(sent)).toBeCloseTo(means, 3);
    for (const pattern of [DATE_TIME_PATTERN, DATE_OR_TIME_PATTERN]) expect(sent).toMatch(new RegExp(pattern, 'u'));
  });

  it.each(REFUSED)('%j is refused', (sent) => {
    expect(parseDateTime(sent)).toBeUndefined();
  });

  it('is refused by the documented pattern too, unless it is the day that its month does not have', () => {
    const passed = REFUSED.filter((sent) => new RegExp(DATE_TIME_PATTERN, 'u').test(sent));
    expect(passed).toEqual(['2021-02-29T00:00:00Z', '2021-04-31T00:00:00Z']);
  });

  it('can be a date where one is asked for', () => {
    expect(parseDateOrDateTime('2021-04-07')).toBe(at('2021-04-07T00:00:00Z'));
    expect('2021-04-07').toMatch(new RegExp(DATE_OR_TIME_PATTERN, 'u'));
    expect(parseDateOrDateTime('2021-02-29')).toBeUndefined();
    expect(parseDateOrDateTime('2021-04')).toBeUndefined();
  });

  it.each([
    ['2021-04-07T00:00:00 0000', '2021-04-07T00:00:00Z'],
    ['2021-04-07T00:00:00 00:00', '2021-04-07T00:00:00Z'],
    ['2021-04-07 00:00:00 02', '2021-04-06T22:00:00Z'],
    ['2021-04-07T00:00 02:00', '2021-04-06T22:00:00Z'],
    ['2021-04-07T00:00:00.5 02:00', '2021-04-06T22:00:00.500Z'],
  ])('sent in a query may have lost its plus: %s', (sent, means) => {
    expect(parseSentDateTime(sent)).toBe(at(means));
  });

  it('without an offset is not taken for one whose plus was lost', () => {
    expect(parseSentDateTime('2021-04-07 00:00')).toBeUndefined();
    expect(parseSentDateTime('2021-04-07 00:00:00')).toBeUndefined();
  });
});
