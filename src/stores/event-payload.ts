import { NotJson } from '../event-sourcing/event-store.js';

/** Far deeper than any event of ours; keeps a hostile value from exhausting the stack, and ends one that contains itself. */
const MAX_DEPTH = 512;
/** With the `u` flag this class matches only surrogates that stand alone. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The value as JSON text, after a check that it will come back as it went in: `JSON.stringify` alone drops `undefined`
 * and functions, turns NaN into null and dates into strings. Lone surrogates are refused since RFC 8785 (the form that is
 * hashed) has none.
 * @throws NotJson the message names the kind of fault, never the value
 */
export function toJson(value: unknown): string {
  check(value, 0);
  return JSON.stringify(value);
}

function check(value: unknown, depth: number): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    checkText(value);
    return;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotJson('A number that is not finite');
    return;
  }
  if (typeof value !== 'object') throw new NotJson(`A value of type ${typeof value}`);
  if (depth === MAX_DEPTH) throw new NotJson(`A value nested deeper than ${MAX_DEPTH}, or without end`);
  if (Array.isArray(value)) checkItems(value, depth + 1);
  else checkFields(value, depth + 1);
}

function checkText(text: string): void {
  if (LONE_SURROGATE.test(text)) throw new NotJson('A text with half a surrogate pair');
}

function checkItems(items: readonly unknown[], depth: number): void {
  // By index: an iteration of another kind would pass over the holes of a sparse array.
  for (let index = 0; index < items.length; index += 1) check(items[index], depth);
}

function checkFields(fields: object, depth: number): void {
  if (!isPlain(fields)) throw new NotJson('An object that is more than its fields, such as a date or a map');
  for (const [key, value] of Object.entries(fields)) {
    checkText(key);
    check(value, depth);
  }
}

/** Compares no identity with this realm's `Object.prototype`, so that it also holds for objects of another realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
