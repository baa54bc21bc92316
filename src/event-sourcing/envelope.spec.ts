import { createHash } from 'node:crypto';
import { chain, type EventDraft, hashEvent, MalformedEvent, readMetadata } from './envelope.js';

const draft = (type: string, data = {}): EventDraft => ({
  type,
  data,
  metadata: {
    $correlationId: 'r1',
    $causationId: 'm1',
    commandId: 'm1',
    actor: { type: 'api_key', id: 'k1' },
    requestId: 'r1',
    at: 1_767_225_600_000,
    schemaVersion: 1,
  },
});

describe('chain', () => {
  it('links each event to the one before it', () => {
    const events = chain('s', { revision: 4, hash: 'before' }, [draft('A'), draft('B')]);
    const [first, second] = events.map(readMetadata);
    expect(events.map(({ revision }) => revision)).toEqual([5, 6]);
    expect(first?.prevHash).toBe('before');
    expect(second?.prevHash).toBe(first?.hash);
  });

  it('refuses a draft that could not be read back: appended, it would be damage', () => {
    const { metadata, ...rest } = draft('A');
    for (const change of [{ at: 9e15 }, { actor: { type: 'api_key' } }, { commandId: 5 }, { traceparent: 5 }]) {
      const broken = { ...rest, metadata: { ...metadata, ...change } } as unknown as EventDraft;
      expect(() => chain('s', undefined, [broken])).toThrow(RangeError);
    }
  });

  it('begins with null', () => {
    const [event] = chain('s', undefined, [draft('A')]);
    expect(event).toMatchObject({ revision: 0, metadata: { prevHash: null } });
  });

  it('hashes exactly what the specification names, in canonical form', () => {
    const [event] = chain('s', undefined, [draft('A', { z: 1, a: 'é' })]);
    if (event === undefined) throw new Error('no event');
    const canonical =
      `{"data":{"a":"é","z":1},"id":"${event.id}","metadata":{"$causationId":"m1","$correlationId":"r1",` +
      '"actor":{"id":"k1","type":"api_key"},"at":1767225600000,"commandId":"m1","prevHash":null,"requestId":"r1",' +
      '"schemaVersion":1},"prevHash":null,"revision":0,"stream":"s","type":"A"}';
    expect(readMetadata(event).hash).toBe(createHash('sha256').update(canonical).digest('hex'));
  });

  it.each(['type', 'stream', 'id'] as const)('does not survive a changed %s', (field) => {
    const [event] = chain('s', undefined, [draft('A')]);
    if (event === undefined) throw new Error('no event');
    expect(hashEvent(event)).toBe(event.metadata['hash']);
    expect(hashEvent({ ...event, [field]: 'other' })).not.toBe(event.metadata['hash']);
    expect(hashEvent({ ...event, revision: 1 })).not.toBe(event.metadata['hash']);
    expect(hashEvent({ ...event, metadata: { ...event.metadata, at: 0 } })).not.toBe(event.metadata['hash']);
  });
});

describe('readMetadata', () => {
  it('refuses what this service does not write', () => {
    expect(() => readMetadata({ metadata: {} })).toThrow(MalformedEvent);
    expect(() => readMetadata({ metadata: { at: 'x' } })).toThrow(MalformedEvent);
  });
});
