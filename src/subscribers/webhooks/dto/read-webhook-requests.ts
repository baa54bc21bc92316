import { ApiError, fault } from '../../../http/errors.js';
import { timeOf } from '../../../http/field-rules.js';
import type { JsonObject } from '../../../http/json-body.js';
import {
  integer,
  invalidQuery,
  type QueryParameters,
  refuseOperators,
  singleValue,
} from '../../../http/query-string.js';
import { newValueFaults, toFaults } from '../../../http/new-values.js';
import { readBody } from '../../../http/read-body.js';
import { isCustomerId } from '../../../customers/streams.js';
import { LANE_STATES } from '../lane.js';
import type { NewWebhook, WebhookChanges } from '../webhook-registry.js';
import type { LanePage } from '../webhooks.js';
import { CreateWebhookRequest, ReplayWebhookRequest, UpdateWebhookRequest } from './webhook-requests.js';

/** Those who read, edit and send back send these along. */
const READ_ONLY: ReadonlySet<string> = new Set([
  'id',
  'disabledReason',
  'replaying',
  'secretsExpire',
  'createdTime',
  'updatedTime',
]);
const DEFAULT_LIMIT = 10;

/** @throws ApiError */
export function readNewWebhook(body: JsonObject): NewWebhook {
  const { url, description, types, personalValues } = readBody(CreateWebhookRequest, body, {
    found: toFaults(newValueFaults(CreateWebhookRequest, body)),
  });
  return {
    url,
    pii: personalValues ?? false,
    ...(description != null && { description }),
    ...(types != null && { types }),
  };
}

/** @throws ApiError */
export function readWebhookChanges(id: string, body: JsonObject): WebhookChanges {
  const otherId = Object.hasOwn(body, 'id') && body['id'] !== id;
  const found = otherId ? [fault('invalid_parameter', 'The id of a webhook can not be changed', 'id')] : [];
  const besides = toFaults(newValueFaults(UpdateWebhookRequest, body));
  const request = readBody(UpdateWebhookRequest, body, { ignored: READ_ONLY, found, besides });
  const { url, description, types, personalValues, enabled, rotateSecret } = request;
  return {
    ...(url !== undefined && { url }),
    ...(description !== undefined && { description }),
    ...(types !== undefined && { types }),
    ...(personalValues !== undefined && { pii: personalValues }),
    ...(enabled !== undefined && { enabled }),
    ...(rotateSecret !== undefined && { rotateSecret }),
    ...(besides.length > 0 && { onlyAsStored: besides }),
  };
}

export type ReplayWish = { readonly after: string } | { readonly since: number } | 'parked';

/** @throws ApiError unless it says in exactly one way what to deliver again */
export function readReplay(body: JsonObject): ReplayWish {
  const { after, since, parked } = readBody(ReplayWebhookRequest, body);
  const wishes: ReplayWish[] = [];
  const from = timeOf(since);
  if (after !== undefined) wishes.push({ after });
  if (from !== undefined) wishes.push({ since: from });
  if (parked !== undefined) wishes.push('parked');
  const [wish, ...more] = wishes;
  if (wish === undefined) throw ApiError.of('missing_parameter', 'One of after, since and parked is required', 'after');
  if (more.length > 0)
    throw ApiError.of('invalid_parameter', 'Only one of after, since and parked can be given', 'after');
  return wish;
}

/** @throws ApiError */
export function readDeliveriesQuery(parameters: QueryParameters): LanePage {
  refuseOperators(parameters, { limit: [], startingAfter: [], state: [] });
  const limit = integer(parameters, 'limit', 1, 100) ?? DEFAULT_LIMIT;
  const after = singleValue(parameters, 'startingAfter');
  if (after !== undefined && !isCustomerId(after)) {
    throw invalidQuery('startingAfter', 'startingAfter must be the id of a customer');
  }
  const text = singleValue(parameters, 'state');
  const state = LANE_STATES.find((known) => known === text);
  if (text !== undefined && state === undefined) {
    throw invalidQuery('state', `state must be one of ${LANE_STATES.join(', ')}`);
  }
  return { limit, ...(after !== undefined && { after }), ...(state !== undefined && { state }) };
}
