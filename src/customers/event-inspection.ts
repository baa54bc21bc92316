import { MalformedEvent, readMetadata } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import type { StreamDamaged } from '../event-sourcing/stream-damage.js';
import { isSealed } from '../privacy/sealed.js';
import { decode, LIFE_ENDS } from './customer-events.js';
import { damageBy, isAsHashed } from './damaged-events.js';
import { PERSONAL_FIELDS } from './domain/fields.js';
import { decodeSource, SOURCE_PREFIX } from './sources/source-events.js';
import { CUSTOMER_PREFIX, customerIdOf, isCustomerId } from './streams.js';

/** What is wrong with an event of a customer or a source by itself, whatever stands before it. */
export function inspectEvent(event: RecordedEvent): StreamDamaged | undefined {
  try {
    if (event.stream.startsWith(CUSTOMER_PREFIX)) readCustomerEvent(event);
    else if (event.stream.startsWith(SOURCE_PREFIX)) readSourceEvent(event);
    return undefined;
  } catch (error) {
    const damage = damageBy(event, error);
    if (damage === undefined && !(error instanceof UnknownEventType)) throw error;
    return damage;
  }
}

function readCustomerEvent(event: RecordedEvent): void {
  const { type, data } = decode(event);
  // It has a key destroyed, which nothing undoes.
  if (LIFE_ENDS.has(type) && !isAsHashed(event)) throw new MalformedEvent('An end is not what was hashed');
  const { keyRevision } = readMetadata(event);
  if (!isCustomerId(customerIdOf(event.stream))) throw new MalformedEvent('The stream is named for no customer');
  for (const [field, value] of Object.entries(data)) {
    if (!isSealed(value)) continue;
    if (keyRevision === undefined) throw new MalformedEvent(`A ${type} does not say what sealed it`);
    if (!isPersonal(field)) throw new MalformedEvent('A value is sealed under a name that no personal value has');
  }
}

function readSourceEvent(event: RecordedEvent): void {
  decodeSource(event);
  readMetadata(event);
}

const isPersonal = (field: string): boolean => PERSONAL_FIELDS.some((name) => name === field);
