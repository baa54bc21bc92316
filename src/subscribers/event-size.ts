import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { isSealed } from '../privacy/sealed.js';

const ENVELOPE = 800;

/** About how much text an event makes: its envelope is much the same for all, long are the personal values. */
export function charactersOf({ data }: RecordedEvent): number {
  let characters = ENVELOPE;
  for (const value of Object.values(data)) if (isSealed(value)) characters += value.sealed.length;
  return characters;
}

/** As many from the front as come to so much text together, one at least. */
export function upToCharacters(events: readonly RecordedEvent[], most: number): readonly RecordedEvent[] {
  let characters = 0;
  const surplus = events.findIndex((event) => (characters += charactersOf(event)) > most);
  return surplus === -1 ? events : events.slice(0, Math.max(1, surplus));
}
