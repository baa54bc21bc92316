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

const NOT_AS_HASHED = 'The event is not what was hashed';

/** All that is wrong. @param before in its stream; undefined: it is the first @param hash of the event, computed */
export function problemsOf(
  event: RecordedEvent,
  before: RecordedEvent | undefined,
  hash = hashEvent(event),
): readonly string[] {
  const problems: string[] = [];
  if (event.revision !== (before?.revision ?? -1) + 1) problems.push('An event before this one is missing');
  if (hash !== event.metadata['hash']) problems.push(NOT_AS_HASHED);
  const { prevHash } = event.metadata;
  if (before === undefined ? prevHash != null : prevHash !== before.metadata['hash'])
    problems.push('The event does not follow from the one before it');
  return problems;
}

/** @param before in its stream; left out where it is not at hand, and then not looked at */
export function problemOf(event: RecordedEvent, before?: RecordedEvent): string | undefined {
  const problems = problemsOf(event, before);
  if (problems.includes(NOT_AS_HASHED)) return NOT_AS_HASHED;
  return before === undefined ? undefined : problems[0];
}

/** @returns undefined where what is stored is not of its form */
export function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedEvent) return undefined;
    throw error;
  }
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
