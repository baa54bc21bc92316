/** Years to seconds in ranges that exist in some month; which days a month has is looked at apart. */
const DATE_FORM = '([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])';
const TIME_FORM = '([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.,]([0-9]{1,9}))?)?';
const OFFSET_FORM = '(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)';

/** What the document shows, without groups that only the reading needs. */
export const DATE_TIME_PATTERN = `^${DATE_FORM}[Tt ]${TIME_FORM}${OFFSET_FORM}$`.replaceAll('(?:', '(');
export const DATE_OR_TIME_PATTERN = `^${DATE_FORM}([Tt ]${TIME_FORM}${OFFSET_FORM})?$`.replaceAll('(?:', '(');

const DATE_TIME = new RegExp(`^${DATE_FORM}[Tt ]${TIME_FORM}${OFFSET_FORM}$`);
const DATE = new RegExp(`^${DATE_FORM}$`);

/** To stand behind the name of what was refused. */
export const DATE_TIME_RULE =
  'must be a date-time with an offset, as 2026-01-01T00:00:00Z, 2026-01-01T00:00:00.123+02:00, 2026-01-01T00:00:00+0200 or 2026-01-01T00:00Z';
export const DATE_OR_TIME_RULE = `must be a date, as 2026-01-01, or ${DATE_TIME_RULE.slice('must be '.length)}`;

/**
 * A date-time of RFC 3339, or of ISO 8601 in the forms that clients send (docs/values.md), in milliseconds since the epoch,
 * with what is finer as a fraction.
 * @returns undefined for anything else, days and hours that do not exist among them; leap seconds are not taken
 */
export function parseDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = '0', fraction = '', sign, offsetHour = '0', offsetMinute = '0'] =
    match;
  const midnight = midnightOf(Number(year), Number(month), Number(day));
  if (midnight === undefined) return undefined;
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * (sign === '-' ? -1 : 1);
  const wall = (Number(hour) * 60 + Number(minute) - offset) * 60_000 + Number(second) * 1000;
  return midnight + wall + Number(fraction.padEnd(9, '0')) / 1e6;
}

/** As a parameter of a query: a `+` that was decoded and sent again as a space stands before the offset. */
export const parseSentDateTime = (text: string): number | undefined => parseDateTime(withPlus(text));

/** @see parseSentDateTime */
export const parseSentDateOrDateTime = (text: string): number | undefined => parseDateOrDateTime(withPlus(text));

const withPlus = (text: string): string => text.replace(/(:[0-9.,]+) ([0-9]{2}(?::?[0-9]{2})?)$/, '$1+$2');

/** A full-date of RFC 3339 at midnight UTC, or a date-time. */
export function parseDateOrDateTime(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return parseDateTime(text);
  return midnightOf(Number(match[1]), Number(match[2]), Number(match[3]));
}

function midnightOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined;
}
