import { ApiProperty, ApiPropertyOptional, ApiSchema, getSchemaPath } from '@nestjs/swagger';
import { ENTRIES, type Field, FIELD_NAMES, FIELDS, type FieldSchema } from '../domain/fields.js';
import { ShippingRequest } from './shipping-request.js';
import { TaxCertificateRequest } from './tax-certificate-request.js';

/** The documentation of properties, by their names. */
export type PropertyDocs = Readonly<Record<string, PropertyDecorator>>;

/** The classes that document values that are objects of their own. */
export const MODELS = { ShippingRequest, TaxCertificateRequest } as const;

const isObject = (schema: FieldSchema): boolean => '$ref' in schema || schema.type === 'object';
const answered = FIELD_NAMES.filter((field) => ENTRIES[field].answered);

/** The fields of answers, in their order: texts and flags, then objects. */
export const SCALAR_FIELDS = answered.filter((field) => !isObject(ENTRIES[field].schema));
export const OBJECT_FIELDS = answered.filter((field) => isObject(ENTRIES[field].schema));

export const isClearable = (field: Field): boolean => 'cleared' in FIELDS[field];

/** The name of a field in answers and views. */
export const nameOf = (field: Field): string => ENTRIES[field].list ?? field;

/** The schema as options of a decorator. */
export const optionsOf = ({ schema }: { readonly schema: FieldSchema }) =>
  '$ref' in schema ? { type: MODELS[schema.$ref] } : schema;

/** The schema as it stands within another. */
export const schemaOf = ({ schema }: { readonly schema: FieldSchema }): object =>
  '$ref' in schema ? { $ref: getSchemaPath(MODELS[schema.$ref]) } : schema;

/** Fields as the customer's answers have them. */
export const inAnswers = (fields: readonly Field[]): PropertyDocs =>
  Object.fromEntries(fields.map((field) => [nameOf(field), inAnswer(field)]));

function inAnswer(field: Field): PropertyDecorator {
  const { schema, list, pattern, description, example } = ENTRIES[field];
  if (list !== undefined && '$ref' in schema)
    return ApiPropertyOptional({ type: [MODELS[schema.$ref]], readOnly: true });
  const said = {
    ...(pattern !== undefined && { pattern }),
    ...(description !== undefined && { description }),
    ...(example !== undefined && { example }),
  };
  const Property = 'initial' in FIELDS[field] ? ApiProperty : ApiPropertyOptional;
  return Property({ ...optionsOf({ schema }), ...said });
}

/** An optional property that is one of these. Nest asks for a type that it then leaves out. */
export const oneOf = (schemas: object[], description?: string): PropertyDecorator =>
  ApiPropertyOptional({ type: Object, oneOf: schemas, ...(description !== undefined && { description }) });

/** A class that only documents: it has these properties, in this order. */
export function documented(name: string, properties: PropertyDocs): new () => object {
  @ApiSchema({ name })
  class Documented {}
  for (const [property, document] of Object.entries(properties)) document(Documented.prototype, property);
  return Documented;
}
