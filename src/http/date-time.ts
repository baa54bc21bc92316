const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/**
 * A date-time of RFC 3339 in milliseconds since the epoch, with what is finer as a fraction.
 * @returns undefined for anything else, days and hours that do not exist among them; leap seconds are not taken
 */
export function parseDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined;
  const midnight = midnightOf(Number(year), Number(month), Number(day));
  if (midnight === undefined) return undefined;
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * (sign === '-' ? -1 : 1);
  const wall = (Number(hour) * 60 + Number(minute) - offset) * 60_000 + Number(second) * 1000;
  return midnight + wall + Number(fraction.slice(1).padEnd(9, '0')) / 1e6;
}

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
