import { InvalidArgumentError } from 'commander';
import { parseMoment } from './parse-moment.js';

describe('a time on the command line', () => {
  it.each([
    ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T12:30:00+02:00', '2026-01-01T10:30:00.000Z'],
    ['2026-01-01t12:30:00.250z', '2026-01-01T12:30:00.250Z'],
  ])('%s is %s', (text, time) => {
    expect(new Date(parseMoment(text)).toISOString()).toBe(time);
  });

  it.each(['', 'now', '2026-02-30', '2026-01-01T12:30', '2026-01-01T25:00:00Z', '1767225600000'])(
    '"%s" is none',
    (text) => {
      expect(() => parseMoment(text)).toThrow(InvalidArgumentError);
    },
  );
});
