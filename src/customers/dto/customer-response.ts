import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ENTRIES, type Field, type Profile, type SingleField } from '../domain/fields.js';
import type { AttachedSource } from '../domain/state.js';
import type { OpenedPage } from '../queries/list-customers.js';
import type { OpenedCustomer, OpenedValues } from '../read-model/opened-customer.js';
import { documented, inAnswers, nameOf, OBJECT_FIELDS, type PropertyDocs, SCALAR_FIELDS } from './field-docs.js';

export class SourceResponse {
  @ApiProperty({ type: String, format: 'uuid', example: 'fd74a5c5-0163-469a-ae8e-031f0259b576' })
  id: string;

  @ApiProperty({ type: String, example: '5823594808' })
  customerId: string;

  @ApiPropertyOptional({ type: String, description: 'What kind of source, in the words of the system that owns it.' })
  type?: string;

  @ApiProperty({ type: String, example: 'chargeable' })
  state: string;

  @ApiProperty({ type: Boolean, example: true })
  reusable: boolean;

  @ApiProperty({ type: String, format: 'date-time', description: 'When it was attached.' })
  createdTime: string;
}

/** Absent values are left out, never `null`. `sources` and `taxCertificates` are always there, unless erased. */
export interface CustomerResponse extends Profile, Partial<Omit<OpenedValues, SingleField>> {
  id: string;
  defaultSourceId?: string;
  requestToBeForgotten: boolean;
  sources?: readonly Readonly<SourceResponse>[];
  createdTime: string;
  updatedTime: string;
  liveMode: boolean;
}

/** The documentation of an answer with a customer, by property. */
export const CUSTOMER_DOCS: PropertyDocs = {
  id: ApiProperty({ type: String, description: 'The unique identifier of a customer.', example: '5823594808' }),
  ...inAnswers(SCALAR_FIELDS),
  defaultSourceId: ApiPropertyOptional({
    type: String,
    format: 'uuid',
    example: 'fd74a5c5-0163-469a-ae8e-031f0259b576',
  }),
  requestToBeForgotten: ApiProperty({
    type: Boolean,
    description: 'True from the request to be forgotten on; an erased customer keeps it and has lost all else.',
  }),
  ...inAnswers(OBJECT_FIELDS),
  sources: ApiPropertyOptional({
    type: [SourceResponse],
    readOnly: true,
    description: 'The attached ones, first attached first.',
  }),
  createdTime: ApiProperty({ type: String, format: 'date-time' }),
  updatedTime: ApiProperty({ type: String, format: 'date-time' }),
  liveMode: ApiProperty({ type: Boolean, description: 'Whether this deployment is a live one.' }),
};

export const CustomerResponse = documented('CustomerResponse', CUSTOMER_DOCS);

export class CustomerPageResponse {
  @ApiProperty({ type: Boolean, description: 'Whether more follow in the direction of travel.' })
  hasMore: boolean;

  @ApiProperty({ type: [CustomerResponse], description: 'Newest first, by createdTime and id.' })
  data: readonly Readonly<CustomerResponse>[];
}

export function toCustomerResponse(opened: OpenedCustomer, liveMode: boolean): Readonly<CustomerResponse> {
  const { view } = opened;
  const { id, createdTime, updatedTime } = view;
  if (view.status !== 'active') {
    return { id, enabled: false, requestToBeForgotten: true, createdTime, updatedTime, liveMode };
  }
  return {
    id,
    ...valuesOf(SCALAR_FIELDS, opened),
    enabled: view.enabled,
    ...(view.defaultSourceId !== undefined && { defaultSourceId: view.defaultSourceId }),
    requestToBeForgotten: view.requestToBeForgotten,
    ...valuesOf(OBJECT_FIELDS, opened),
    sources: view.sources.map((source) => toSourceResponse(id, source)),
    createdTime,
    updatedTime,
    liveMode,
  };
}

/** Those that there are. Personal ones never come from the view, which has them sealed. */
function valuesOf(fields: readonly Field[], { view, ...personal }: OpenedCustomer): Readonly<Record<string, unknown>> {
  const [shown, opened] = [new Map<string, unknown>(Object.entries(view)), new Map(Object.entries(personal))];
  const values = fields.map((field) => {
    const name = nameOf(field);
    return [name, (ENTRIES[field].personal ? opened : shown).get(name)] as const;
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

export function toSourceResponse(customerId: string, source: AttachedSource): Readonly<SourceResponse> {
  const { id, type, state, reusable, createdTime } = source;
  return { id, customerId, ...(type !== undefined && { type }), state, reusable, createdTime };
}

export function toPageResponse({ customers, hasMore }: OpenedPage, liveMode: boolean): Readonly<CustomerPageResponse> {
  return { hasMore, data: customers.map((opened) => toCustomerResponse(opened, liveMode)) };
}
