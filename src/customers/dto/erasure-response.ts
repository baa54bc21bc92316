import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Receipt } from '../../privacy/receipt.js';
import type { Erasure } from '../queries/get-erasure.js';
import { isoTime } from '../read-model/project.js';

const STATES = ['none', 'requested', 'erasing', 'erased'] as const;

export class ToldSubscriberResponse {
  @ApiProperty({ type: String, example: 'wh_q1w2e3r4t5y6u7i8' })
  webhookId: string;

  @ApiProperty({ type: String, format: 'date-time', description: 'When it was told first.' })
  toldTime: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'When it acknowledged.' })
  acknowledgedTime?: string;
}

export class ErasureResponse {
  @ApiProperty({ type: String, example: '5823594808' })
  customerId: string;

  @ApiProperty({ type: Number, description: 'The number of the life this is about: an id can be created anew.' })
  life: number;

  @ApiProperty({
    enum: STATES,
    enumName: 'ErasureState',
    description:
      '`erasing`: decided for good, nothing personal can be read or written any more; there is no receipt yet. `erased`: ' +
      'everything inside the service is done, and here is the receipt. A deletion is an erasure, too.',
  })
  state: (typeof STATES)[number];

  @ApiProperty({ type: Boolean, description: 'While true neither an erasure nor a deletion takes place.' })
  legalHold: boolean;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'When the request was made.' })
  requestedTime?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'End of the grace period.' })
  dueTime?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time' })
  erasedTime?: string;

  @ApiPropertyOptional({ type: String, example: 'gdpr_art_17' })
  reasonCode?: string;

  @ApiPropertyOptional({
    type: Object,
    description: 'Signed by the service and never changed. See docs/privacy.md for how to check it.',
  })
  receipt?: Receipt;

  @ApiPropertyOptional({
    type: [ToldSubscriberResponse],
    description: 'Which webhooks were told of the erasure, and which acknowledged it. Grows after the receipt.',
  })
  subscribers?: readonly Readonly<ToldSubscriberResponse>[];
}

export function toErasureResponse({ customerId, record, receipt, subscribers }: Erasure): Readonly<ErasureResponse> {
  const { life, legalHold, requestedAt, dueAt, ended } = record;
  const erasedTime = ended === undefined ? receipt?.payload.erasedTime : isoTime(ended.at);
  const reasonCode = ended === undefined ? receipt?.payload.reasonCode : ended.reasonCode;
  return {
    customerId,
    life,
    state: receipt ? 'erased' : ended ? 'erasing' : dueAt === undefined ? 'none' : 'requested',
    legalHold,
    ...(requestedAt !== undefined && { requestedTime: isoTime(requestedAt) }),
    ...(dueAt !== undefined && { dueTime: dueAt }),
    ...(erasedTime !== undefined && { erasedTime }),
    ...(reasonCode !== undefined && { reasonCode }),
    ...(receipt && { receipt }),
    ...(erasedTime !== undefined && { subscribers: subscribers.map(toSubscriber) }),
  };
}

const toSubscriber = ({
  webhookId,
  toldAt,
  acknowledgedAt,
}: Erasure['subscribers'][number]): Readonly<ToldSubscriberResponse> => ({
  webhookId,
  toldTime: isoTime(toldAt),
  ...(acknowledgedAt !== undefined && { acknowledgedTime: isoTime(acknowledgedAt) }),
});
