import { PersonalValues } from '../customers/personal-values.js';
import { REASON } from '../customers/commands/draft-events.js';
import { isoTime } from '../customers/read-model/project.js';
import type { Actor } from '../event-sourcing/command-context.js';
import { type EventMetadata, MalformedEvent, readMetadata } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { isSealed } from '../privacy/sealed.js';
import type { Showing } from './customer-record.js';

/** What the log says of an event whatever it is about. */
export interface EventEnvelope {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  /** As in the log. */
  readonly type: string;
  /** When it was decided, by the service's clock: never runs backwards in a stream. */
  readonly happenedTime: string;
  /** When the log wrote it, by the log's clock. */
  readonly recordedTime: string;
  readonly actor: Actor;
  readonly reason?: { readonly code: string; readonly text?: string };
  readonly requestId: string;
  /** Of the W3C Trace Context that the request came with. */
  readonly traceId?: string;
  /** The same for all events of one request. */
  readonly commandId: string;
  /** Of the event before it in its stream; absent for the first. */
  readonly prevHash?: string;
  readonly hash: string;
}

/** @param showing how the text of a reason is shown @throws MalformedEvent */
export function eventEnvelope(recorded: RecordedEvent, showing: Showing): EventEnvelope {
  const { id, stream, revision, type, recordedAt } = recorded;
  const metadata = readMetadata(recorded);
  const traceId = metadata.traceparent?.split('-')[1];
  const { actor, requestId, commandId, prevHash, hash } = metadata;
  return {
    id,
    stream,
    revision,
    type,
    happenedTime: isoTime(metadata.at),
    recordedTime: isoTime(recordedAt),
    actor: { type: actor.type, id: actor.id },
    ...(metadata.reason && { reason: shownReason(metadata.reason, showing) }),
    requestId,
    ...(traceId !== undefined && { traceId }),
    commandId,
    ...(prevHash !== null && { prevHash }),
    hash,
  };
}

function shownReason(
  { code, text }: NonNullable<EventMetadata['reason']>,
  showing: Showing,
): NonNullable<EventEnvelope['reason']> {
  if (text === undefined) return { code };
  if (!isSealed(text)) throw new MalformedEvent('The text of a reason is not sealed');
  return { code, text: showing instanceof PersonalValues ? showing.openText(REASON, text) : showing };
}
