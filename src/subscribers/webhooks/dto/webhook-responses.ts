import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { isoTime } from '../../../customers/read-model/project.js';
import { type CloudEventType, EVENT_TYPES } from '../../cloud-event.js';
import { type Lane, LANE_STATES, type LaneState, type Outcome, OUTCOMES } from '../lane.js';
import type { Answer } from '../sender.js';
import type { Shown } from '../webhook-registry.js';

export class WebhookResponse {
  @ApiProperty({ type: String, example: 'wh_q1w2e3r4t5y6u7i8' })
  id: string;

  @ApiProperty({ type: String, format: 'uri' })
  url: string;

  @ApiPropertyOptional({ type: String })
  description?: string;

  @ApiPropertyOptional({ type: [String], enum: Object.values(EVENT_TYPES), enumName: 'EventType' })
  types?: readonly CloudEventType[];

  @ApiProperty({ type: Boolean })
  personalValues: boolean;

  @ApiProperty({ type: Boolean })
  enabled: boolean;

  @ApiPropertyOptional({ enum: ['gone'], description: 'The endpoint answered 410 and was disabled by that.' })
  disabledReason?: 'gone';

  @ApiPropertyOptional({ type: Boolean, description: 'True while a replay looks for what to deliver again.' })
  replaying?: boolean;

  @ApiPropertyOptional({
    type: String,
    example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
    description: 'Shown only when it is new.',
  })
  secret?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'Until when the secret before this one signs too.',
  })
  secretsExpire?: string;

  @ApiProperty({ type: String, format: 'date-time' })
  createdTime: string;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedTime: string;
}

export class WebhookListResponse {
  @ApiProperty({ type: [WebhookResponse], description: 'The oldest first.' })
  data: readonly Readonly<WebhookResponse>[];
}

export class AttemptResponse {
  @ApiProperty({ type: String, format: 'date-time' })
  time: string;

  @ApiProperty({ enum: OUTCOMES, enumName: 'DeliveryOutcome' })
  outcome: Outcome;

  @ApiPropertyOptional({ type: Number, description: 'The HTTP status, if there was one.' })
  status?: number;
}

export class DeliveryResponse {
  @ApiProperty({ type: String })
  customerId: string;

  @ApiProperty({ enum: LANE_STATES, enumName: 'DeliveryState' })
  state: LaneState;

  @ApiProperty({ type: Number, description: '`sequence` of the event to be delivered next: all before it are.' })
  nextSequence: number;

  @ApiProperty({
    type: Number,
    description: 'How many events wait, the next one among them; some may be of types not chosen.',
  })
  pending: number;

  @ApiProperty({ type: Number, description: 'How often the next one has failed.' })
  attempts: number;

  @ApiPropertyOptional({ type: String, format: 'date-time' })
  nextAttemptTime?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time' })
  failingSince?: string;

  @ApiPropertyOptional({ type: AttemptResponse })
  lastAttempt?: Readonly<AttemptResponse>;
}

export class DeliveryPageResponse {
  @ApiProperty({ type: Boolean })
  hasMore: boolean;

  @ApiProperty({ type: [DeliveryResponse], description: 'One for each customer, by customer id.' })
  data: readonly Readonly<DeliveryResponse>[];
}

export class WebhookTestResponse {
  @ApiProperty({ type: Boolean })
  delivered: boolean;

  @ApiProperty({ enum: OUTCOMES, enumName: 'DeliveryOutcome' })
  outcome: Outcome;

  @ApiPropertyOptional({ type: Number, description: 'The HTTP status, if there was one.' })
  status?: number;
}

export function toWebhookResponse({ endpoint, secret }: Shown, now: number): Readonly<WebhookResponse> {
  const { id, url, description, types, pii, enabled, gone, replay, secrets, createdAt, updatedAt } = endpoint;
  const leaving = secrets.find(({ expiresAt = 0 }) => expiresAt > now)?.expiresAt;
  return {
    id,
    url,
    ...(description !== undefined && { description }),
    ...(types !== undefined && { types }),
    personalValues: pii,
    enabled,
    ...(gone === true && { disabledReason: 'gone' }),
    ...(replay !== undefined && { replaying: true }),
    ...(secret !== undefined && { secret }),
    ...(leaving !== undefined && { secretsExpire: isoTime(leaving) }),
    createdTime: isoTime(createdAt),
    updatedTime: isoTime(updatedAt),
  };
}

export function toDeliveryResponse(lane: Lane): Readonly<DeliveryResponse> {
  const { customerId, state, next, end, attempts, dueAt, failingSince, last } = lane;
  return {
    customerId,
    state,
    nextSequence: next,
    pending: end - next,
    attempts,
    ...(state === 'retrying' && { nextAttemptTime: isoTime(dueAt) }),
    ...(failingSince !== undefined && { failingSince: isoTime(failingSince) }),
    ...(last && {
      lastAttempt: {
        time: isoTime(last.at),
        outcome: last.outcome,
        ...(last.status !== undefined && { status: last.status }),
      },
    }),
  };
}

export const toTestResponse = ({ outcome, status }: Answer): Readonly<WebhookTestResponse> => ({
  delivered: outcome === 'delivered',
  outcome,
  ...(status !== undefined && { status }),
});
