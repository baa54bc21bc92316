import { isEmail } from 'class-validator';
import { parseDateOrDateTime } from './date-time.js';

/** Characters as people count them: code points, of which none has more than two UTF-16 units. */
export const isLonger = (text: string, max: number): boolean =>
  text.length > 2 * max || (text.length > max && Array.from(text).length > max);

/** A half of a surrogate pair alone is no character: UTF-8 can't hold it, so it would not come back as it was sent. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

export const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' && value.length >= min && !isLonger(value, max) && isWellFormed(value);

/** What any release took for an address: a customer may hold it. What is to come in is judged more strictly. */
export const isStorableEmail = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 254 && isWellFormed(value) && isEmail(value);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** RFC 9562, any version. Upper and lower case name the same UUID: compare and keep the lower. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

export const timeOf = (value: unknown): number | undefined =>
  typeof value === 'string' ? parseDateOrDateTime(value) : undefined;
