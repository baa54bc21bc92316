import 'reflect-metadata';
import type { JsonValue } from '../customers/domain/personal.js';
import { fieldsOf, type RequestClass } from './body-fields.js';
import { fault, type Fault } from './errors.js';
import { isFree, notFree, type TextKind } from './free-text.js';
import type { ErrorCode } from './errors.js';
import type { JsonObject } from './json-body.js';

/** A violation of a rule for new values. */
export interface Breach {
  readonly code: ErrorCode;
  /** Never repeats the value. */
  readonly message: string;
  /** Names inside the field's value, where it is an object of any JSON. */
  readonly within?: readonly string[];
}

export type NewValueRule = (value: JsonValue, name: string) => readonly Breach[];

/** A fault that does not apply to a value that is stored already. */
export interface NewValueFault {
  readonly fault: Fault;
  /** Path of the value in the body. Never part of an answer: a key of `metadata` may be personal. */
  readonly path: readonly string[];
}

const RULE = Symbol('rule for new values');

/**
 * A rule for new values only. Stored values that break it stay readable, and a client may send them back unchanged: a create
 * refuses them, an update passes them on to the decision, which compares them with the stored value.
 */
export const ForNewValues =
  (rule: NewValueRule): PropertyDecorator =>
  (target, property) => {
    Reflect.defineMetadata(RULE, rule, target, property);
  };

export const FreeText = (kind: TextKind): PropertyDecorator =>
  ForNewValues((value, name) =>
    typeof value !== 'string' || isFree(kind, value)
      ? []
      : [{ code: 'invalid_parameter', message: `${name} ${notFree(kind)}` }],
  );

/** Faults by the rules for new values, of known fields only. Types and shapes are checked elsewhere. */
export function newValueFaults(
  type: RequestClass,
  body: JsonObject,
  above: readonly string[] = [],
): readonly NewValueFault[] {
  const faults: NewValueFault[] = [];
  for (const [name, kind] of fieldsOf(type)) {
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    if (value == null) continue;
    const path = [...above, name];
    if (typeof kind === 'function') {
      if (isObject(value)) faults.push(...newValueFaults(kind, value, path));
      continue;
    }
    for (const { code, message, within = [] } of ruleOf(type, name)?.(value, name) ?? []) {
      faults.push({ fault: fault(code, message, path.join('.')), path: [...path, ...within] });
    }
  }
  return faults;
}

/** The faults as an answer shows them. */
export const toFaults = (found: readonly NewValueFault[]): readonly Fault[] => found.map((each) => each.fault);

const ruleOf = (type: RequestClass, name: string): NewValueRule | undefined =>
  Reflect.getMetadata(RULE, type.prototype as object, name) as NewValueRule | undefined;

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
