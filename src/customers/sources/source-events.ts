import { MalformedEvent } from '../../event-sourcing/envelope.js';
import { cutAt } from '../../event-sourcing/stream-damage.js';
import type { Json, JsonObject, StreamEvent } from '../../event-sourcing/event-store.js';
import { UnknownEventType } from '../../event-sourcing/log-follower.js';
import { reading } from '../damaged-events.js';
import type { SourceFacts } from '../domain/events.js';
import { type Owner, type SourceEvent, type SourceState, evolveSource } from './source.js';

export const SOURCE_PREFIX = 'source-';

export const sourceStream = (sourceId: string): string => SOURCE_PREFIX + sourceId;

export const sourceIdOf = (stream: string): string => stream.slice(SOURCE_PREFIX.length);

/** The one way in for a stored source event. @throws UnknownEventType, MalformedEvent */
export function decodeSource({ type, data }: Pick<StreamEvent, 'type' | 'data'>): SourceEvent {
  switch (type) {
    case 'SourceClaimed': {
      const by = data['by'];
      if (by !== 'create' && by !== 'attach') throw malformed();
      const commandId = data['commandId'];
      const named = typeof commandId === 'string' ? { commandId } : {};
      return { type, data: { ...readOwner(data), by, ...named, source: readSource(data['source']) } };
    }
    case 'SourceCancelled':
    case 'SourceReleased':
      return { type, data: readOwner(data) };
    default:
      throw new UnknownEventType();
  }
}

/** @throws UnknownEventType, StreamDamaged */
export function foldSource(events: readonly StreamEvent[]): SourceState {
  let state: SourceState = { status: 'free' };
  for (const [at, event] of events.entries()) {
    if (event.revision !== at) throw cutAt(event.stream, at);
    state = evolveSource(
      state,
      reading(event, () => decodeSource(event)),
    );
  }
  return state;
}

const malformed = (): MalformedEvent =>
  new MalformedEvent('A stored source event is not of the shape this release knows');

function readOwner({ customerId, life }: JsonObject): Owner {
  if (typeof customerId !== 'string' || typeof life !== 'number') throw malformed();
  return { customerId, life };
}

function readSource(value: Json | undefined): SourceFacts {
  if (typeof value !== 'object' || value === null) throw malformed();
  const { sourceId, type, state, reusable } = value as JsonObject;
  if (typeof sourceId !== 'string' || typeof state !== 'string' || typeof reusable !== 'boolean') throw malformed();
  return { sourceId, ...(typeof type === 'string' && { type }), state, reusable };
}
