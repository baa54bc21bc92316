import { Injectable } from '@nestjs/common';
import { decode, type SealedCustomerEvent } from '../customers/customer-events.js';
import { reading } from '../customers/damaged-events.js';
import { type CustomerEventType, EVENTS } from '../customers/domain/events.js';
import { PERSONAL_FIELDS, type PersonalField } from '../customers/domain/fields.js';
import { PersonalValues } from '../customers/personal-values.js';
import { isoTime } from '../customers/read-model/project.js';
import { customerIdOf } from '../customers/streams.js';
import { type EventMetadata, MalformedEvent, readMetadata } from '../event-sourcing/envelope.js';
import type { RecordedEvent } from '../event-sourcing/event-store.js';
import { KeyMissing, KeyRing } from '../privacy/key-ring.js';
import { isSealed } from '../privacy/sealed.js';
import type { KeyRef } from '../privacy/subject-keys.js';
import { toldValues } from './event-data.js';

export type CloudEventType = (typeof EVENTS)[CustomerEventType]['name'];

/** `type` of the envelope, by the type that the log has. */
export const EVENT_TYPES = Object.fromEntries(
  Object.entries(EVENTS).map(([type, { name }]) => [type, name]),
) as Readonly<Record<CustomerEventType, CloudEventType>>;

/** The customer's id and the new values under the names of the customer's resource; `null` for what was cleared. */
export interface CloudEventData {
  readonly customerId: string;
  /** Personal fields that are left out because the reader may not see them. */
  readonly redacted?: readonly PersonalField[];
  /** Personal fields that are left out because they are gone for good. */
  readonly erased?: readonly PersonalField[];
  readonly [field: string]: unknown;
}

/**
 * A customer event for other services: CloudEvents 1.0 in its JSON format. Attributes beyond the specification's own are
 * of its documented extensions: sequence, partitioning, correlation, distributed tracing.
 */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** The event's own id. Together with `source` it names the event for good: a repeat has the same. */
  readonly id: string;
  readonly source: string;
  readonly type: CloudEventType;
  /** The customer's id. */
  readonly subject: string;
  /** RFC 3339: when it happened. Never runs backwards for one customer. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly dataschema: string;
  /** The customer's revision, from 0 without gaps, in ten digits: it sorts as text too, as the extension asks. */
  readonly sequence: string;
  /** The customer's id: order is kept for each. */
  readonly partitionkey: string;
  /** `X-Request-Id` of the request it came from. */
  readonly correlationid: string;
  /** Names the command: the same for all events of one request. */
  readonly causationid: string;
  readonly traceparent?: string;
  readonly data: CloudEventData;
}

/** The `source` of the events of one log; a wiped and refilled log has another, so that no two events share a name. */
export const sourceOf = (logId: string): string => `/event-logs/${encodeURIComponent(logId)}`;

const SEQUENCE_DIGITS = 10;
const SCHEMA_VERSION = 1;

interface Decoded {
  readonly recorded: RecordedEvent;
  readonly event: SealedCustomerEvent;
  readonly metadata: EventMetadata;
  readonly customerId: string;
  /** Whose key opens its sealed values; undefined while it has none. */
  readonly ref: KeyRef | undefined;
}

type Key = PersonalValues | 'erased';

/** What the log says of lives that are over, ahead of the destruction of their keys. */
export interface Endings {
  /** Resolves once every ending that is in the log by now is known. @throws StoreUnavailable */
  upToDate(): Promise<void>;
  has(ref: KeyRef): boolean;
}

/**
 * Puts recorded customer events into their envelopes. Nothing is kept: each call opens personal values anew, so that
 * those of an erased customer are in no later delivery, while the event itself still comes.
 */
@Injectable()
export class CloudEvents {
  /**
   * @param source see {@link sourceOf}
   * @param endings without it only a destroyed key tells of an erasure
   */
  constructor(
    private readonly keys: KeyRing,
    private readonly source: string,
    private readonly endings?: Endings,
  ) {}

  /**
   * In the order given, one for each. With `pii` the personal values are opened, with one look-up of keys for all of
   * them; without it no key is asked for, and an event reads the same for ever.
   * @throws StoreUnavailable and KeyMissing, with `pii` alone
   * @throws UnknownEventType, MalformedEvent
   * @throws StreamDamaged a value does not open, with `pii` alone
   */
  async envelopes(
    events: readonly RecordedEvent[],
    { pii }: { readonly pii: boolean },
  ): Promise<readonly CloudEvent[]> {
    const decoded = events.map(decodeRecorded);
    const keys = pii ? await this.keysFor(decoded) : undefined;
    return decoded.map((event) => reading(event.recorded, () => this.envelope(event, keys)));
  }

  private async keysFor(events: readonly Decoded[]): Promise<ReadonlyMap<string, Key>> {
    const refs = new Map(events.flatMap(({ ref }) => (ref === undefined ? [] : [[nameOf(ref), ref] as const])));
    const wanted = [...refs.values()];
    if (wanted.length === 0) return new Map();
    await this.endings?.upToDate();
    const found = await this.keys.findMany(wanted);
    const ended = new Set(events.flatMap(endedBy));
    const isOver = (ref: KeyRef): boolean => ended.has(nameOf(ref)) || this.endings?.has(ref) === true;
    const keys = new Map<string, Key>();
    for (const [index, ref] of wanted.entries()) {
      const key = found[index];
      const name = nameOf(ref);
      if (isOver(ref) || key === 'erased') keys.set(name, 'erased');
      else if (key === undefined || key === 'none') throw new KeyMissing(ref, 'absent');
      else keys.set(name, new PersonalValues(key, ref));
    }
    return keys;
  }

  private envelope(decoded: Decoded, keys: ReadonlyMap<string, Key> | undefined): CloudEvent {
    const { recorded, event, metadata, customerId, ref } = decoded;
    const type = EVENT_TYPES[event.type];
    const values = toldValues(event, { customerId, at: metadata.at });
    return {
      specversion: '1.0',
      id: recorded.id,
      source: this.source,
      type,
      subject: customerId,
      time: isoTime(metadata.at),
      datacontenttype: 'application/json',
      dataschema: `urn:customers:schema:${type}:${SCHEMA_VERSION}`,
      sequence: String(recorded.revision).padStart(SEQUENCE_DIGITS, '0'),
      partitionkey: customerId,
      correlationid: metadata.$correlationId,
      causationid: metadata.$causationId,
      ...(metadata.traceparent !== undefined && { traceparent: metadata.traceparent }),
      data: { customerId, ...shown(values, ref === undefined ? undefined : keys?.get(nameOf(ref))) },
    };
  }
}

function decodeRecorded(recorded: RecordedEvent): Decoded {
  const event = decode(recorded);
  const metadata = readMetadata(recorded);
  const customerId = customerIdOf(recorded.stream);
  if (!Object.values(event.data).some(isSealed)) return { recorded, event, metadata, customerId, ref: undefined };
  if (metadata.keyRevision === undefined) throw new MalformedEvent(`A ${event.type} does not say what sealed it`);
  return { recorded, event, metadata, customerId, ref: { subject: customerId, revision: metadata.keyRevision } };
}

/** The life that ended, by its key's name: the log says so before the key is destroyed. */
function endedBy({ event, customerId }: Decoded): readonly string[] {
  if (event.type !== 'CustomerErased' && event.type !== 'CustomerDeleted') return [];
  return [nameOf({ subject: customerId, revision: event.data.keyRevision })];
}

/** @param key undefined when the reader may not see personal values */
function shown(values: Readonly<Record<string, unknown>>, key: Key | undefined): Readonly<Record<string, unknown>> {
  const data: Record<string, unknown> = {};
  const hidden: PersonalField[] = [];
  for (const [field, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (!isSealed(value)) data[field] = value;
    else if (key instanceof PersonalValues) data[field] = key.open(personal(field), value);
    else hidden.push(personal(field));
  }
  if (hidden.length === 0) return data;
  return { ...data, [key === 'erased' ? 'erased' : 'redacted']: hidden };
}

function personal(field: string): PersonalField {
  const known = PERSONAL_FIELDS.find((name) => name === field);
  if (known === undefined) throw new MalformedEvent('A value is sealed under a name that no personal value has');
  return known;
}

const nameOf = ({ subject, revision }: KeyRef): string => `${revision} ${subject}`;
