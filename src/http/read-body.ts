import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync, type ValidatorOptions } from 'class-validator';
import { fieldsOf, type RequestClass } from './body-fields.js';
import {
  ApiError,
  type ErrorCode,
  ERRORS,
  type Fault,
  fault,
  hasFaults,
  MAX_FAULTS,
  unknownParameter,
  unlessToldBefore,
} from './errors.js';
import type { JsonObject } from './json-body.js';

const NONE: ReadonlySet<string> = new Set();
const OPTIONS: ValidatorOptions = { validationError: { target: false, value: false } };
/** Stands where an object or an array was sent in place of a scalar or a known object: no rule takes it. */
const WRONG_SHAPE = Symbol('not the shape this field has');

export interface Reading {
  /** Fields that may stand in the body and are passed over. */
  readonly ignored?: ReadonlySet<string>;
  /** Faults found elsewhere, which come last. */
  readonly found?: readonly Fault[];
  /** Faults that are told together with others, and refuse nothing by themselves. */
  readonly besides?: readonly Fault[];
}

/**
 * What the body says, checked by the rules of its request class. Types are taken as they are, nothing is converted. Within
 * a field that is an object `null` means the same as leaving out, and is left out. Unknown fields come first among the
 * faults, in the body's order, then the class's own order.
 * @throws ApiError with all faults at once, each parameter once for each code
 */
export function readBody<T extends object>(
  type: new () => T,
  body: JsonObject,
  { ignored = NONE, found = [], besides = [] }: Reading = {},
): T {
  const faults: Fault[] = [];
  const known = knownPart(type, body, '', ignored, faults);
  const opaque = [...fieldsOf(type)].filter(([name, kind]) => kind === 'opaque' && Object.hasOwn(body, name));
  const untouched = Object.fromEntries(opaque.map(([name]) => [name, body[name]]));
  collect(validateSync(Object.assign(plainToInstance(type, known), untouched), OPTIONS), '', faults);
  faults.push(...unlessToldBefore(faults, found));
  if (hasFaults(faults)) throw new ApiError([faults[0], ...faults.slice(1), ...unlessToldBefore(faults, besides)]);
  return Object.assign(known, untouched) as T;
}

/**
 * Only what the class knows gets as far as class-transformer, which would follow `constructor` and `then` keys, call
 * itself on any depth, and drop `__proto__` in silence.
 */
function knownPart(
  type: RequestClass,
  body: JsonObject,
  path: string,
  ignored: ReadonlySet<string>,
  faults: Fault[],
): Record<string, unknown> {
  const fields = fieldsOf(type);
  const part: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const kind = fields.get(name);
    if (kind === undefined) {
      if (!ignored.has(name) && faults.length < MAX_FAULTS) faults.push(unknownParameter(path + name));
    } else if (path !== '' && value === null) {
      continue;
    } else if (typeof kind === 'function' && isPlain(value)) {
      part[name] = knownPart(kind, value, `${path}${name}.`, NONE, faults);
    } else if (typeof kind === 'function' && isEmptyArray(value)) {
      // What PHP makes of an empty map, also of one that it was given as `{}`.
      part[name] = {};
    } else if (kind !== 'opaque') {
      part[name] = typeof value === 'object' && value !== null ? WRONG_SHAPE : value;
    }
  }
  return part;
}

const isPlain = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEmptyArray = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function collect(errors: readonly ValidationError[], path: string, faults: Fault[]): void {
  for (const { property, constraints = {}, children = [] } of errors) {
    const parameter = path + property;
    if (constraints['isDefined'] !== undefined) {
      faults.push(fault('missing_parameter', `${property} is required`, parameter));
    } else {
      const byCode = new Map(Object.entries(constraints).map(([name, message]) => [codeOf(name), message]));
      for (const [code, message] of byCode) faults.push(fault(code, message, parameter));
    }
    collect(children, `${parameter}.`, faults);
  }
}

/** Rules of ours bear a code as their name; those of class-validator have names of their own. */
const codeOf = (constraint: string): ErrorCode =>
  Object.hasOwn(ERRORS, constraint) ? (constraint as ErrorCode) : 'invalid_parameter';
