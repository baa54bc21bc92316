import { hashEvent, MalformedEvent } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { isoTime } from '../customers/read-model/project.js';
import { SealBroken } from '../privacy/sealing.js';
import { PERSONAL, type Showing } from './customer-record.js';
import { type EventEnvelope, eventEnvelope } from './event-envelope.js';

/** An event that is not what was written: as much of it as can be told. */
export interface AlteredEvent
  extends
    Pick<EventEnvelope, 'id' | 'stream' | 'revision' | 'type' | 'recordedTime'>,
    Partial<Omit<EventEnvelope, 'id' | 'stream' | 'revision' | 'type' | 'recordedTime'>> {
  /** What is wrong, in plain words. */
  readonly problem: string;
}

/** @param before in its stream; left out where it is not at hand, and then not looked at */
export function problemOf(event: RecordedEvent, before?: RecordedEvent): string | undefined {
  if (hashEvent(event) !== event.metadata['hash']) return 'The event is not what was hashed';
  if (before === undefined) return undefined;
  if (event.revision !== before.revision + 1) return 'An event before this one is missing';
  if (event.metadata['prevHash'] !== before.metadata['hash']) return 'The event does not follow from the one before it';
  return undefined;
}

export const MALFORMED = 'The event is not of the form in which events are written';
export const UNOPENED = 'A personal value in the event does not open with the key of the customer';

export function alteredEvent(recorded: RecordedEvent, problem: string, showing: Showing = PERSONAL): AlteredEvent {
  try {
    return { ...eventEnvelope(recorded, showing), problem };
  } catch (error) {
    if (error instanceof SealBroken) return alteredEvent(recorded, problem);
    if (!(error instanceof MalformedEvent)) throw error;
    const { id, stream, revision, type, recordedAt } = recorded;
    return { id, stream, revision, type, recordedTime: isoTime(recordedAt), problem };
  }
}
