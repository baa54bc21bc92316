import { isLonger, isWellFormed } from '../../http/field-rules.js';
import { isFree, notFree } from '../../http/free-text.js';
import type { Breach, NewValueRule } from '../../http/new-values.js';
import { MAX_METADATA_PAIRS } from '../domain/metadata.js';

const MAX_KEY = 40;
const MAX_VALUE = 500;
/** Names that mean something to JavaScript objects: harmless here, but not in every program that will read them. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An empty array is what PHP makes of an empty map. */
export const isObjectOrEmpty = (value: unknown): boolean =>
  isObject(value) || (Array.isArray(value) && value.length === 0);

/** Pairs that are to be removed do not count. The merged whole is counted again by the domain. */
export const fewPairs = (metadata: unknown): boolean =>
  !isObject(metadata) || Object.values(metadata).filter((value) => value !== '').length <= MAX_METADATA_PAIRS;

export const goodKeys = (metadata: unknown): boolean => !isObject(metadata) || Object.keys(metadata).every(isGoodKey);

const isGoodKey = (key: string): boolean =>
  key !== '' && !isLonger(key, MAX_KEY) && isWellFormed(key) && !RESERVED.has(key);

export const goodValues = (metadata: unknown): boolean =>
  !isObject(metadata) || Object.values(metadata).every(isGoodValue);

/** The length of a string is its own, that of any other value is that of its compact JSON. */
function isGoodValue(value: unknown): boolean {
  if (typeof value === 'string') return !isLonger(value, MAX_VALUE) && isWellFormed(value);
  return isCarried(value) && !isLonger(JSON.stringify(value), MAX_VALUE);
}

/** Whether JSON gives the value back as it is: a number like 1e999 was read as Infinity and would come back as null. */
function isCarried(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'string') return isWellFormed(value);
  if (Array.isArray(value)) return value.every(isCarried);
  if (!isObject(value)) return true;
  return Object.entries(value).every(([key, item]) => !RESERVED.has(key) && isWellFormed(key) && isCarried(item));
}

const BAD_KEY = `A metadata key ${notFree('line')}`;
const BAD_VALUE = `A metadata value must not hold integers beyond 2^53 - 1, its keys and texts no control characters`;

/** Stops when it has found more than a customer can hold: then one of them at least is no stored pair. */
export const newMetadata: NewValueRule = (metadata) => {
  const breaches: Breach[] = [];
  if (!isObject(metadata)) return breaches;
  for (const [key, value] of Object.entries(metadata)) {
    // What removes a pair brings nothing in.
    if (value === '') continue;
    const within = [key];
    if (!isFree('line', key)) breaches.push({ code: 'invalid_metadata_key', message: BAD_KEY, within });
    if (!isNewValue(value)) breaches.push({ code: 'invalid_metadata_value', message: BAD_VALUE, within });
    if (breaches.length > 2 * MAX_METADATA_PAIRS) break;
  }
  return breaches;
};

/** An integer beyond 2^53 - 1 is another one to many a program, which cannot tell that it is. */
function isNewValue(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value === 'string') return isFree('text', value);
  if (Array.isArray(value)) return value.every(isNewValue);
  if (!isObject(value)) return true;
  return Object.entries(value).every(([key, item]) => isFree('line', key) && isNewValue(item));
}
