import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { CustomerType } from '../domain/events.js';
import type { Metadata, Shipping, TaxCertificate } from '../domain/personal.js';
import type { OpenedCustomer } from '../read-model/opened-customer.js';
import type { OpenedPage } from '../queries/list-customers.js';
import type { AttachedSource } from '../read-model/customer-view.js';
import { CANONICAL_LOCALE_PATTERN } from './locale.js';
import { ShippingRequest } from './shipping-request.js';
import { TaxCertificateRequest } from './tax-certificate-request.js';

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
export class CustomerResponse {
  @ApiProperty({ type: String, description: 'The unique identifier of a customer.', example: '5823594808' })
  id: string;

  @ApiPropertyOptional({ type: String, format: 'email', example: 'jane@example.com' })
  email?: string;

  @ApiPropertyOptional({
    type: String,
    pattern: CANONICAL_LOCALE_PATTERN,
    description: 'A language and a country, or a language alone.',
    example: 'en_US',
  })
  locale?: string;

  @ApiPropertyOptional({ enum: ['business', 'individual'], example: 'individual' })
  type?: CustomerType;

  @ApiProperty({ type: Boolean, description: 'If false, attempts to create orders for the customer fail.' })
  enabled: boolean;

  @ApiPropertyOptional({ type: String, format: 'uuid', example: 'fd74a5c5-0163-469a-ae8e-031f0259b576' })
  defaultSourceId?: string;

  @ApiProperty({
    type: Boolean,
    description: 'True from the request to be forgotten on; an erased customer keeps it and has lost all else.',
  })
  requestToBeForgotten: boolean;

  @ApiPropertyOptional({ type: ShippingRequest })
  shipping?: Shipping;

  @ApiPropertyOptional({ type: [TaxCertificateRequest], readOnly: true })
  taxCertificates?: readonly TaxCertificate[];

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { tier: 'gold', visits: 3 } })
  metadata?: Metadata;

  @ApiPropertyOptional({
    type: [SourceResponse],
    readOnly: true,
    description: 'The attached ones, first attached first.',
  })
  sources?: readonly Readonly<SourceResponse>[];

  @ApiProperty({ type: String, format: 'date-time' })
  createdTime: string;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedTime: string;

  @ApiProperty({ type: Boolean, description: 'Whether this deployment is a live one.' })
  liveMode: boolean;
}

export class CustomerPageResponse {
  @ApiProperty({ type: Boolean, description: 'Whether more follow in the direction of travel.' })
  hasMore: boolean;

  @ApiProperty({ type: [CustomerResponse], description: 'Newest first, by createdTime and id.' })
  data: readonly Readonly<CustomerResponse>[];
}

export function toCustomerResponse(opened: OpenedCustomer, liveMode: boolean): Readonly<CustomerResponse> {
  const { view, email, shipping, taxCertificates, metadata } = opened;
  const { id, createdTime, updatedTime } = view;
  if (view.status !== 'active') {
    return { id, enabled: false, requestToBeForgotten: true, createdTime, updatedTime, liveMode };
  }
  return {
    id,
    ...(email !== undefined && { email }),
    ...(view.locale !== undefined && { locale: view.locale }),
    ...(view.type !== undefined && { type: view.type }),
    enabled: view.enabled,
    ...(view.defaultSourceId !== undefined && { defaultSourceId: view.defaultSourceId }),
    requestToBeForgotten: view.requestToBeForgotten,
    ...(shipping !== undefined && { shipping }),
    taxCertificates,
    ...(metadata !== undefined && { metadata }),
    sources: view.sources.map((source) => toSourceResponse(id, source)),
    createdTime,
    updatedTime,
    liveMode,
  };
}

export function toSourceResponse(customerId: string, source: AttachedSource): Readonly<SourceResponse> {
  const { id, type, state, reusable, createdTime } = source;
  return { id, customerId, ...(type !== undefined && { type }), state, reusable, createdTime };
}

export function toPageResponse({ customers, hasMore }: OpenedPage, liveMode: boolean): Readonly<CustomerPageResponse> {
  return { hasMore, data: customers.map((opened) => toCustomerResponse(opened, liveMode)) };
}
