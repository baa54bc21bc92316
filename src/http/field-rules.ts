import { isEmail, isISO31661Alpha2, isISO6391 } from 'class-validator';
import { parseDateOrDateTime } from './date-time.js';

/** Characters as people count them: code points, not UTF-16 units. */
export const isLonger = (text: string, max: number): boolean => text.length > max && Array.from(text).length > max;

/** A half of a surrogate pair alone is no character: UTF-8 can't hold it, so it would not come back as it was sent. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

export const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' && value.length >= min && !isLonger(value, max) && isWellFormed(value);

/** RFC 5321, 4.5.3.1.3: a path is at most 256 octets, its angle brackets among them. */
export const isEmailAddress = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 254 && isWellFormed(value) && isEmail(value);

/** ISO 639-1 language, `_`, ISO 3166-1 alpha-2 country: `en_US`. */
export const isLocale = (value: unknown): boolean =>
  typeof value === 'string' &&
  /^[a-z]{2}_[A-Z]{2}$/.test(value) &&
  isISO6391(value.slice(0, 2)) &&
  isISO31661Alpha2(value.slice(3));

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** RFC 9562, any version. Upper and lower case name the same UUID: compare and keep the lower. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

export const timeOf = (value: unknown): number | undefined =>
  typeof value === 'string' ? parseDateOrDateTime(value) : undefined;
