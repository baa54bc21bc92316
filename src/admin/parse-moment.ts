import { InvalidArgumentError } from 'commander';
import { DATE_OR_TIME_RULE, parseDateOrDateTime } from '../http/date-time.js';

/** What the routes of the audit take as well: a date is its first moment in UTC. @throws InvalidArgumentError */
export function parseMoment(value: string): number {
  const time = parseDateOrDateTime(value);
  if (time === undefined) throw new InvalidArgumentError(`It ${DATE_OR_TIME_RULE}.`);
  return time;
}
