import { accessSync, constants } from 'node:fs';
import { UrlRefused } from '../url-refused.js';
import { type OptionRule, optionRules, valuesOf } from './option-rules.js';

/**
 * Scheme, user and password, hosts and path: what follows is options for sure, and no part of a password in which a `?` was
 * not escaped, since that would have the `@` behind it.
 */
const ADDRESS = /^mongodb(?:\+srv)?:\/\/(?:[^:/?#[\]@]*(?::[^:/?#[\]@]*)?@)?[^/?#@]+(?:\/[^?#@]*)?(?:\?([^#@]*))?$/;
/** Such a name is safe to be repeated. */
const NAME = /^\w{1,40}$/;

/**
 * @returns the options that the address names, as the driver spells them
 * @throws UrlRefused one of them would break a promise of the service, or is none; the message names it, and repeats
 *   neither its value nor the address
 */
export function optionsIn(url: string, operationMs: number): ReadonlySet<string> {
  const address = ADDRESS.exec(url);
  if (address === null) throw new UrlRefused('This is no address of a MongoDB database (mongodb://host:port/database)');
  const rules = new Map(Object.entries(optionRules(operationMs)).map((rule) => [rule[0].toLowerCase(), rule]));
  const given = new Set<string>();
  for (const [key, value] of new URLSearchParams(address[1])) {
    const [name, rule] = rules.get(key.toLowerCase()) ?? [NAME.test(key) ? key : 'with a strange name', undefined];
    const fault = given.has(name) ? 'is given twice' : faultOf(rule, value);
    if (fault !== undefined) throw new UrlRefused(`The option ${name} ${fault}`);
    given.add(name);
  }
  return given;
}

function faultOf(rule: OptionRule | undefined, value: string): string | undefined {
  if (rule === undefined) return 'is not known here';
  if (rule.kind === 'refused') return `is not taken: ${rule.why}`;
  if (value === '') return 'has no value';
  switch (rule.kind) {
    case 'flag':
      return value === 'true' || value === 'false' ? undefined : 'must be true or false';
    case 'number':
      return isWithin(value, rule) ? undefined : `must be ${valuesOf(rule)}${because(rule.why)}`;
    case 'one of':
      return value.split(',').every((one) => rule.values.includes(one))
        ? undefined
        : `must be ${valuesOf(rule)}${because(rule.why)}`;
    case 'file':
      return isReadable(value) ? undefined : 'names a file that can not be read';
    case 'text':
      return undefined;
  }
}

const because = (why: string | undefined): string => (why === undefined ? '' : `: ${why}`);

const isWithin = (value: string, { from, to }: { readonly from: number; readonly to: number }): boolean =>
  /^-?\d{1,9}$/.test(value) && Number(value) >= from && Number(value) <= to;

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
