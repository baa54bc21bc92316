import 'reflect-metadata';
import { Type } from 'class-transformer';
import { getMetadataStorage, ValidateBy, ValidateNested } from 'class-validator';
import type { ErrorCode } from './errors.js';

type FieldKind = 'scalar' | 'opaque' | RequestClass;
export type RequestClass = new () => object;

const KIND = Symbol('kind of field');

/** A field that is an object of its own, with rules of its own. */
export const Nested =
  (type: RequestClass): PropertyDecorator =>
  (target, property) => {
    Reflect.defineMetadata(KIND, type, target, property);
    Type(() => type)(target, property);
    ValidateNested({ message: '$property must be an object' })(target, property);
  };

/** A field that holds any JSON: it is handed on as it came, its rules alone look into it. */
export const Opaque = (): PropertyDecorator => (target, property) => {
  Reflect.defineMetadata(KIND, 'opaque', target, property);
};

/**
 * A rule that fails with a code of the contract.
 * @param message `$property` stands for the field's name; must not repeat the value
 */
export const Rule = (
  code: ErrorCode,
  message: string,
  holds: (value: unknown, object: object) => boolean,
): PropertyDecorator =>
  ValidateBy({
    name: code,
    validator: { validate: (value, args) => holds(value, args?.object ?? {}), defaultMessage: () => message },
  });

const known = new Map<RequestClass, ReadonlyMap<string, FieldKind>>();

/** The fields of a request class: those that have a rule. */
export function fieldsOf(type: RequestClass): ReadonlyMap<string, FieldKind> {
  const fields = known.get(type) ?? readFields(type);
  known.set(type, fields);
  return fields;
}

function readFields(type: RequestClass): ReadonlyMap<string, FieldKind> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  return new Map(rules.map(({ propertyName }) => [propertyName, kindOf(type, propertyName)]));
}

function kindOf(type: RequestClass, property: string): FieldKind {
  const kind: unknown = Reflect.getMetadata(KIND, type.prototype as object, property);
  return kind === 'opaque' || typeof kind === 'function' ? (kind as FieldKind) : 'scalar';
}
