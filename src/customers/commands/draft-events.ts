import { randomUUID } from 'node:crypto';
import type { ChangeReason, CommandContext } from '../../event-sourcing/command-context.js';
import { type EventDraft, type EventMetadata, SCHEMA_VERSION } from '../../event-sourcing/envelope.js';
import type { JsonObject } from '../../event-sourcing/event-store.js';
import { decode } from '../customer-events.js';
import type { CustomerHistory } from '../customer-history.js';
import type { CustomerEvent } from '../domain/events.js';
import { isPersonal, type PersonalValues } from '../personal-values.js';
import { FINGERPRINT } from './repeats.js';

/** Under this name a reason's text is sealed. */
export const REASON = 'reason';

interface Circumstances {
  readonly context: CommandContext;
  readonly past: CustomerHistory;
  /** Seals; there whenever there is something to seal. */
  readonly values: PersonalValues | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Seals what is decided and puts it in its envelope. The fingerprint of the request goes with the first event. */
export function draftEvents(events: readonly CustomerEvent[], circumstances: Circumstances): readonly EventDraft[] {
  if (events.length === 0) return [];
  const { context, past, values, now } = circumstances;
  const commandId = context.idempotency?.commandId ?? randomUUID();
  const at = Math.max(now, past.at);
  const keyRevision = past.state.status === 'active' ? past.state.life : past.state.life + 1;
  const reason = context.reason && sealedReason(context.reason, values);
  return events.map((event, index) => {
    const fingerprint = index === 0 ? context.idempotency?.fingerprint : undefined;
    const sealed = isPersonal(event) || fingerprint !== undefined || reason?.text !== undefined;
    if (sealed && values === undefined) throw new RangeError(`A ${event.type} must not be stored unsealed`);
    const stored = { type: event.type, data: values?.sealEvent(event) ?? (event.data as JsonObject) };
    requireReadable(stored);
    return {
      ...stored,
      metadata: {
        $correlationId: context.requestId,
        $causationId: commandId,
        commandId,
        ...(fingerprint !== undefined && values && { fingerprint: values.seal(FINGERPRINT, fingerprint) }),
        actor: context.actor,
        ...(reason !== undefined && { reason }),
        requestId: context.requestId,
        ...(context.traceparent !== undefined && { traceparent: context.traceparent }),
        at,
        schemaVersion: SCHEMA_VERSION,
        ...(sealed && { keyRevision }),
      },
    };
  });
}

/** Appended, it would be damage of the customer. @throws RangeError */
function requireReadable(stored: Pick<EventDraft, 'type' | 'data'>): void {
  try {
    decode(stored);
  } catch (error) {
    throw new RangeError(`A ${stored.type} that can not be read back must not be stored`, { cause: error });
  }
}

function sealedReason(
  { code, text }: ChangeReason,
  values: PersonalValues | undefined,
): NonNullable<EventMetadata['reason']> {
  if (text === undefined) return { code };
  if (values === undefined) throw new RangeError('The text of a reason must not be stored unsealed');
  return { code, text: values.seal(REASON, text) };
}
