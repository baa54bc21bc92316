import { CloudEvent as SdkEvent } from 'cloudevents';
import { MemoryLog } from '../../test/faults/kernel-log.js';
import { SealedLog } from '../../test/support/sealed-log.js';
import { MalformedEvent } from '../event-sourcing/envelope.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { KeyMissing } from '../privacy/key-ring.js';
import { CloudEvents, type Endings, sourceOf } from './cloud-event.js';

const EMAIL = 'jane@example.com';

describe('Cloud events', () => {
  let log: SealedLog;
  let cloudEvents: CloudEvents;
  beforeEach(() => {
    log = new SealedLog(new MemoryLog());
    cloudEvents = new CloudEvents(log.keys, sourceOf('log-1'));
  });
  const created = (id: string) => log.append(id, 'CustomerCreated', { enabled: true }, { email: EMAIL });

  it('are valid by the SDK, and a repeat is the same to the letter', async () => {
    const event = await created('c1');
    const [first] = await cloudEvents.envelopes([event], { pii: true });
    expect(new SdkEvent({ ...first! }).validate()).toBe(true);
    expect(await cloudEvents.envelopes([event], { pii: true })).toEqual([first]);
    expect(first).toEqual({
      specversion: '1.0',
      id: event.id,
      source: '/event-logs/log-1',
      type: 'customer.created',
      subject: 'c1',
      time: '2026-01-01T00:00:00.000Z',
      datacontenttype: 'application/json',
      dataschema: 'urn:customers:schema:customer.created:1',
      sequence: '0000000000',
      partitionkey: 'c1',
      correlationid: 'request-1',
      causationid: 'command-1',
      data: { customerId: 'c1', email: EMAIL, enabled: true, requestToBeForgotten: false },
    });
  });

  it('are opened with one look-up of keys for many customers, and without any where nothing may be seen', async () => {
    const events = [];
    for (let n = 0; n < 20; n += 1) events.push(await created(`c${n}`));
    log.clock.advance(10_000);
    log.subjectKeys.calls.findMany = 0;
    log.subjectKeys.outOfReach = true;
    const redacted = await cloudEvents.envelopes(events, { pii: false });
    expect(redacted.map(({ data }) => [data['email'], data.redacted, data.erased])).toEqual(
      events.map(() => [undefined, ['email'], undefined]),
    );
    log.subjectKeys.outOfReach = false;
    const opened = await cloudEvents.envelopes(events, { pii: true });
    expect(opened.every(({ data }) => data['email'] === EMAIL && data.redacted === undefined)).toBe(true);
    expect([log.subjectKeys.calls.findMany, log.subjectKeys.calls.find]).toEqual([1, 0]);
  });

  it('of an erased customer come without values, and leave the others of their batch alone', async () => {
    const events = [await created('c1'), await created('c2')];
    await log.keys.destroy({ subject: 'c1', revision: 1 });
    const [one, other] = await cloudEvents.envelopes(events, { pii: true });
    expect(one?.data).toEqual({ customerId: 'c1', enabled: true, requestToBeForgotten: false, erased: ['email'] });
    expect(other?.data).toMatchObject({ email: EMAIL });
  });

  it('hold nothing of a life that ends in the same batch, or that is known to be over, while its key is there', async () => {
    const [one, other] = [await created('c1'), await created('c2')];
    const end = await log.append('c1', 'CustomerDeleted', { keyRevision: 1 });
    const anew = await created('c1');
    const batch = await cloudEvents.envelopes([one, end, anew], { pii: true });
    expect(batch.map(({ data }) => data.erased)).toEqual([['email'], undefined, undefined]);
    let asked = 0;
    const endings: Endings = {
      upToDate: async () => void (asked += 1),
      has: ({ subject, revision }) => subject === 'c2' && revision === 1,
    };
    const told = await new CloudEvents(log.keys, 's', endings).envelopes([one, other], { pii: true });
    expect(told.map(({ data }) => data.erased)).toEqual([undefined, ['email']]);
    expect(asked).toBe(1);
  });

  it('are refused for a key that is missing without an erasure, and while the key store is away', async () => {
    const event = await created('c1');
    const strange = new SealedLog(log.store);
    await expect(new CloudEvents(strange.keys, 's').envelopes([event], { pii: true })).rejects.toThrow(KeyMissing);
    log.clock.advance(10_000);
    log.subjectKeys.outOfReach = true;
    await expect(cloudEvents.envelopes([event], { pii: true })).rejects.toThrow(StoreUnavailable);
  });

  it('are refused for what is not of the catalogue, or does not say what sealed it', async () => {
    const newer = await log.append('c1', 'CustomerPromoted');
    await expect(cloudEvents.envelopes([newer], { pii: false })).rejects.toThrow(UnknownEventType);
    const { keyRevision: _, ...metadata } = (await created('c2')).metadata;
    const broken = { ...(await created('c3')), metadata };
    await expect(cloudEvents.envelopes([broken], { pii: false })).rejects.toThrow(MalformedEvent);
  });

  it('hold no field that the catalogue does not name', async () => {
    const event = await log.append('c1', 'CustomerCreated', { enabled: true, note: 'from elsewhere' });
    const [told] = await cloudEvents.envelopes([event], { pii: true });
    expect(JSON.stringify(told)).not.toContain('elsewhere');
  });
});
