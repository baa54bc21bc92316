import type { ToldValue } from '../customers/domain/event-entry.js';
import { ENTRIES, type Field, FIELD_NAMES, SETTABLE_FIELDS } from '../customers/domain/fields.js';
import { isClearable, schemaOf } from '../customers/dto/field-docs.js';

/** JSON Schema of a value in the `data` of an event. */
type ValueSchema = Readonly<Record<string, unknown>>;

const uuid = { type: 'string', format: 'uuid' };
const orNull = (schema: object): ValueSchema => ({ oneOf: [schema, { type: 'null' }] });

/** A field as the events that carry it have it. */
function fieldSchema(field: Field): ValueSchema {
  const { schema, personal, inEvents } = ENTRIES[field];
  const said = [personal ? 'Personal.' : undefined, inEvents].filter((text) => text !== undefined).join(' ');
  const described = said === '' ? {} : { description: said };
  if (isClearable(field)) return { ...orNull(schemaOf({ schema })), ...described };
  return '$ref' in schema ? { ...described, allOf: [schemaOf({ schema })] } : { ...schema, ...described };
}

/**
 * The new values that events tell, by name, in the order of their documentation. The catalogue of events says which event
 * tells which.
 */
export const VALUE_SCHEMAS: ReadonlyMap<string, ValueSchema> = new Map<string, ValueSchema>([
  ...[...new Set<Field>([...SETTABLE_FIELDS, ...FIELD_NAMES])].map((field) => [field, fieldSchema(field)] as const),
  ...Object.entries({
    source: {
      description: 'The one that was attached.',
      allOf: [{ $ref: '#/components/schemas/SourceResponse' }],
    },
    sourceId: { ...uuid, description: 'Of the source that was detached.' },
    defaultSourceId: orNull(uuid),
    requestToBeForgotten: { type: 'boolean' },
    dueAt: { type: 'string', format: 'date-time', description: 'When the erasure takes effect.' },
    cause: {
      type: 'string',
      enum: ['grace_period_over', 'requested'],
      description: 'Why the customer was erased.',
    },
  } satisfies Record<Exclude<ToldValue, Field>, ValueSchema>),
]);
