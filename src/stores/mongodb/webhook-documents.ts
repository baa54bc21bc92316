import { Binary } from 'mongodb';
import type { Lane, LaneKey } from '../../subscribers/webhooks/lane.js';
import type { SealedSecret, WebhookEndpoint } from '../../subscribers/webhooks/webhook-endpoint.js';
import type { CollectionPlan } from './collections.js';

type StoredSecret = Omit<SealedSecret, 'wrapped'> & { readonly wrapped: Binary };
export type EndpointDocument = Omit<WebhookEndpoint, 'id' | 'secrets'> & {
  readonly _id: string;
  readonly secrets: readonly StoredSecret[];
};

export interface LaneDocument extends Lane {
  readonly _id: string;
  /** The last replay that set it back. */
  readonly replayId?: string;
}

export const ENDPOINTS: CollectionPlan = {
  name: 'webhooks',
  schema: {
    bsonType: 'object',
    required: ['_id', 'url', 'pii', 'enabled', 'secrets', 'createdAt', 'updatedAt', 'version'],
    properties: {
      _id: { bsonType: 'string' },
      url: { bsonType: 'string' },
      pii: { bsonType: 'bool' },
      enabled: { bsonType: 'bool' },
      secrets: {
        bsonType: 'array',
        items: { bsonType: 'object', required: ['masterKeyId', 'wrapped', 'fingerprint'] },
      },
      createdAt: { bsonType: 'number' },
      updatedAt: { bsonType: 'number' },
      version: { bsonType: 'number', minimum: 1 },
    },
  },
  indexes: [],
};
export const LANES: CollectionPlan = {
  name: 'webhook_lanes',
  schema: {
    bsonType: 'object',
    required: ['_id', 'endpointId', 'customerId', 'next', 'end', 'state', 'attempts', 'dueAt'],
    properties: {
      _id: { bsonType: 'string' },
      endpointId: { bsonType: 'string' },
      customerId: { bsonType: 'string' },
      next: { bsonType: 'number', minimum: 0 },
      end: { bsonType: 'number', minimum: 1 },
      state: { bsonType: 'string' },
      attempts: { bsonType: 'number', minimum: 0 },
      dueAt: { bsonType: 'number' },
    },
  },
  indexes: [
    { name: 'due', key: { endpointId: 1, state: 1, dueAt: 1 } },
    { name: 'customer', key: { endpointId: 1, customerId: 1 } },
  ],
};

/** Text by its making, so that it needs no `$eq` to be one. No customer's id holds a slash. */
export const laneId = ({ endpointId, customerId }: LaneKey): string => `${endpointId}/${customerId}`;

export const toEndpointDocument = ({ id, secrets, ...rest }: WebhookEndpoint): EndpointDocument => ({
  _id: id,
  ...rest,
  secrets: secrets.map(({ wrapped, ...secret }) => ({ ...secret, wrapped: new Binary(wrapped) })),
});

export const fromEndpointDocument = ({ _id, secrets, ...rest }: EndpointDocument): WebhookEndpoint => ({
  id: _id,
  ...rest,
  secrets: secrets.map(({ wrapped, ...secret }) => ({ ...secret, wrapped: Uint8Array.from(wrapped.value()) })),
});

export const fromLaneDocument = ({ _id, replayId: __, ...lane }: LaneDocument): Lane => lane;
