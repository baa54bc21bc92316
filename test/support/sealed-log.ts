import { randomBytes, randomUUID } from 'node:crypto';
import type { EventStore, JsonObject, RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { chain, readMetadata, SCHEMA_VERSION } from '../../src/event-sourcing/envelope.js';
import { KeyRing } from '../../src/privacy/key-ring.js';
import { MasterKeys } from '../../src/privacy/master-keys.js';
import { seal } from '../../src/privacy/sealing.js';
import { customerStream } from '../../src/customers/streams.js';
import { InMemorySubjectKeys } from './in-memory-subject-keys.js';
import { TestClock } from './test-clock.js';

/** Customer events in a log, sealed as the service seals them, without the service. */
export class SealedLog {
  readonly clock = new TestClock();
  readonly subjectKeys = new InMemorySubjectKeys();
  readonly keys = new KeyRing(this.subjectKeys, new MasterKeys([{ id: 'a', key: randomBytes(32) }]), this.clock);

  constructor(readonly store: EventStore) {}

  /** Creates the customer where there is none. @param personal fields of the data that are to be sealed */
  async append(
    customer: string,
    type: string,
    data: JsonObject = {},
    personal: JsonObject = {},
  ): Promise<RecordedEvent> {
    const stream = customerStream(customer);
    const past = await this.store.read(stream);
    const last = past.at(-1);
    const births = [...past.map((event) => event.type), type].filter((name) => name === 'CustomerCreated');
    const life = Math.max(1, births.length);
    const sealed = await this.sealed(customer, life, personal);
    const metadata = {
      $correlationId: 'request-1',
      $causationId: 'command-1',
      commandId: randomUUID(),
      actor: { type: 'api_key', id: 'key_1' },
      requestId: 'request-1',
      at: this.clock.now(),
      schemaVersion: SCHEMA_VERSION,
      ...(Object.keys(personal).length > 0 && { keyRevision: life }),
    } as const;
    const before = last && { revision: last.revision, hash: readMetadata(last).hash };
    const events = chain(stream, before, [{ type, data: { ...data, ...sealed }, metadata }]);
    await this.store.append(stream, last === undefined ? 'no_stream' : last.revision, events);
    const [recorded] = await this.store.read(stream, { from: (last?.revision ?? -1) + 1 });
    if (recorded === undefined) throw new Error('What was appended is not there');
    return recorded;
  }

  private async sealed(customer: string, life: number, personal: JsonObject): Promise<JsonObject> {
    if (Object.keys(personal).length === 0) return {};
    const ref = { subject: customer, revision: life };
    const key = await this.keys.findOrCreate(ref);
    if (key === 'erased') throw new Error('The life is over');
    return Object.fromEntries(Object.entries(personal).map(([field, value]) => [field, seal(key, ref, field, value)]));
  }
}
