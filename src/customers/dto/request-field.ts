import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, ValidateIf } from 'class-validator';
import { Nested } from '../../http/body-fields.js';
import { ENTRIES, FIELD_NAMES, FIELDS } from '../domain/fields.js';
import { isClearable, MODELS, optionsOf } from './field-docs.js';

/** The property can be left out, but `null` is not one of its values and clears nothing. */
export const MayBeAbsent = (): PropertyDecorator => ValidateIf((_, value: unknown) => value !== undefined);

interface RequestDocs {
  readonly description: string;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly example?: unknown;
  readonly writeOnly?: boolean;
}

/**
 * A field of the catalogue in a request: whether `null` clears it, its schema and its default come from there. What else it
 * must be is said by rules beside it.
 * @param docs what the documentation of requests says besides
 */
export const RequestField =
  (docs: RequestDocs): PropertyDecorator =>
  (target, property) => {
    const field = FIELD_NAMES.find((name) => name === property);
    if (field === undefined) throw new TypeError(`The catalogue has no field ${String(property)}`);
    const entry = ENTRIES[field];
    const fromEntry = {
      ...optionsOf(entry),
      ...(isClearable(field) && { nullable: true }),
      ...('initial' in FIELDS[field] && { default: FIELDS[field].initial }),
    };
    const { example } = entry;
    ApiPropertyOptional({ ...fromEntry, ...docs, ...(example !== undefined && { example }) })(target, property);
    const absent = isClearable(field) ? IsOptional() : MayBeAbsent();
    absent(target, property);
    if ('$ref' in entry.schema) Nested(MODELS[entry.schema.$ref])(target, property);
  };
