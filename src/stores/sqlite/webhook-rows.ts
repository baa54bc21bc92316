import type { Lane, LaneState, Outcome } from '../../subscribers/webhooks/lane.js';
import type { SealedSecret, WebhookEndpoint } from '../../subscribers/webhooks/webhook-endpoint.js';
import { type CheckedTable, requireIntact } from './row-checksums.js';

/** Bytes have no place in JSON. */
type StoredSecret = Omit<SealedSecret, 'wrapped'> & { readonly wrapped: string };
type StoredEndpoint = Omit<WebhookEndpoint, 'secrets'> & { readonly secrets: readonly StoredSecret[] };

export function toDocument({ secrets, ...rest }: WebhookEndpoint): string {
  const stored: StoredEndpoint = {
    ...rest,
    secrets: secrets.map(({ wrapped, ...secret }) => ({ ...secret, wrapped: Buffer.from(wrapped).toString('base64') })),
  };
  return JSON.stringify(stored);
}

export const ENDPOINTS: CheckedTable = { name: 'endpoints', key: ['number'], columns: ['id', 'version', 'document'] };
export const SELECT_ENDPOINT = 'SELECT id, version, document, checksum FROM endpoints';
export type EndpointRow = readonly [id: string, version: number, document: string, checksum: number | null];

/** Nothing else writes these rows. @throws RowDamaged */
export function fromEndpointRow([id, version, document, checksum]: EndpointRow): WebhookEndpoint {
  requireIntact(ENDPOINTS.name, [id, version, document], checksum);
  const { secrets, ...rest } = JSON.parse(document) as StoredEndpoint;
  return {
    ...rest,
    secrets: secrets.map(({ wrapped, ...secret }) => ({
      ...secret,
      wrapped: new Uint8Array(Buffer.from(wrapped, 'base64')),
    })),
  };
}

export const SELECT_LANE = `SELECT endpoint_id, customer_id, next, "end", state, attempts, due_at, failing_since,
  last_at, last_outcome, last_status FROM lanes`;

export type LaneRow = readonly [
  endpointId: string,
  customerId: string,
  next: number,
  end: number,
  state: string,
  attempts: number,
  dueAt: number,
  failingSince: number | null,
  lastAt: number | null,
  lastOutcome: string | null,
  lastStatus: number | null,
];

export function fromLaneRow(row: LaneRow): Lane {
  const [endpointId, customerId, next, end, state, attempts, dueAt, failingSince, at, outcome, status] = row;
  return {
    endpointId,
    customerId,
    next,
    end,
    state: state as LaneState,
    attempts,
    dueAt,
    ...(failingSince !== null && { failingSince }),
    ...(at !== null &&
      outcome !== null && {
        last: { at, outcome: outcome as Outcome, ...(status !== null && { status }) },
      }),
  };
}
