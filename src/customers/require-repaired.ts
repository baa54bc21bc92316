import { hashEvent } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { cutAt, StreamDamaged } from '../event-sourcing/stream-damage.js';
import { foldCustomer } from './customer-history.js';
import { inspectEvent } from './event-inspection.js';
import { foldSource, SOURCE_PREFIX } from './sources/source-events.js';

/**
 * Whether a stream that was damaged is whole again: every event is as hashed, follows from the one before it and makes
 * sense there.
 * @throws StreamDamaged names what is still wrong, and where
 */
export function requireRepaired(stream: string, events: readonly RecordedEvent[]): void {
  if (events.length === 0) throw new StreamDamaged(stream, 'removed');
  let prevHash: unknown = null;
  for (const [at, event] of events.entries()) {
    if (event.revision !== at) throw cutAt(stream, at);
    const damage = inspectEvent(event);
    if (damage !== undefined) throw damage;
    const { metadata } = event;
    const isWhole = hashEvent(event) === metadata['hash'] && (metadata['prevHash'] ?? null) === prevHash;
    if (!isWhole) throw new StreamDamaged(stream, 'altered', at);
    prevHash = metadata['hash'];
  }
  if (stream.startsWith(SOURCE_PREFIX)) foldSource(events);
  else foldCustomer(events);
}
