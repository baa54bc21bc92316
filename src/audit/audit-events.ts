import { type EventDraft, type EventMetadata, MalformedEvent, SCHEMA_VERSION } from '../event-sourcing/envelope.js';
import { isJsonObject, type JsonObject, type StreamEvent } from '../event-sourcing/event-store.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';

/** Streams of the uses of the audit routes and commands: one stream a use, with one event. */
export const AUDIT_PREFIX = 'audit-';

export const auditStream = (useId: string): string => AUDIT_PREFIX + useId;

export const AUDIT_ACCESSED = 'AuditAccessed';

/** That somebody looked, and at what: never what they saw, and nothing personal. */
export interface AuditAccess {
  /** The route, as `GET /audit/customers/:id`, or the command, as `audit verify`. */
  readonly action: string;
  readonly customerId?: string;
  /** What was asked for besides, as it was understood. */
  readonly details?: JsonObject;
}

export const auditData = ({ action, customerId, details }: AuditAccess): JsonObject => ({
  action,
  ...(customerId !== undefined && { customerId }),
  ...(details !== undefined && { details }),
});

/** The envelope of what the audit itself writes down: nothing in it is sealed. */
export const auditDraft = (
  type: string,
  data: JsonObject,
  {
    useId,
    requestId,
    ...rest
  }: { readonly useId: string } & Pick<EventMetadata, 'requestId' | 'actor' | 'at' | 'traceparent'>,
): EventDraft => ({
  type,
  data,
  metadata: {
    $correlationId: requestId,
    $causationId: useId,
    commandId: useId,
    requestId,
    ...rest,
    schemaVersion: SCHEMA_VERSION,
  },
});

/** The one way in for a stored audit event. @throws UnknownEventType, MalformedEvent */
export function decodeAudit({ type, data }: Pick<StreamEvent, 'type' | 'data'>): AuditAccess {
  if (type !== AUDIT_ACCESSED) throw new UnknownEventType();
  const { action, customerId, details } = data;
  if (typeof action !== 'string') throw malformed();
  if (customerId !== undefined && typeof customerId !== 'string') throw malformed();
  if (details !== undefined && !isJsonObject(details)) throw malformed();
  return { action, ...(customerId !== undefined && { customerId }), ...(details !== undefined && { details }) };
}

const malformed = (): MalformedEvent =>
  new MalformedEvent('A stored audit event is not of the shape this release knows');
