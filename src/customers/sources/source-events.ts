import { MalformedEvent } from '../../event-sourcing/envelope.js';
import type { Json, JsonObject, StreamEvent } from '../../event-sourcing/event-store.js';
import { UnknownEventType } from '../../event-sourcing/log-follower.js';
import type { SourceFacts } from '../domain/events.js';
import { type Owner, type SourceEvent, type SourceState, evolveSource } from './source.js';

export const SOURCE_PREFIX = 'source-';

export const sourceStream = (sourceId: string): string => SOURCE_PREFIX + sourceId;

export const sourceIdOf = (stream: string): string => stream.slice(SOURCE_PREFIX.length);

/** The one way in for a stored source event. @throws UnknownEventType, MalformedEvent */
export function decodeSource({ type, data }: Pick<StreamEvent, 'type' | 'data'>): SourceEvent {
  const owner = readOwner(data);
  switch (type) {
    case 'SourceClaimed': {
      const by = data['by'];
      if (by !== 'create' && by !== 'attach') throw malformed();
      const commandId = data['commandId'];
      const named = typeof commandId === 'string' ? { commandId } : {};
      return { type, data: { ...owner, by, ...named, source: readSource(data['source']) } };
    }
    case 'SourceCancelled':
    case 'SourceReleased':
      return { type, data: owner };
    default:
      throw new UnknownEventType();
  }
}

export const foldSource = (events: readonly Pick<StreamEvent, 'type' | 'data'>[]): SourceState =>
  events.map(decodeSource).reduce(evolveSource, { status: 'free' });

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
