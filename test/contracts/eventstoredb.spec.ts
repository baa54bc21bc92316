import type { EventStore, Position } from '../../src/event-sourcing/event-store.js';
import {
  type EventStoreDbEventStore,
  openEventStoreDb,
} from '../../src/stores/eventstoredb/eventstoredb-event-store.js';
import { PrefixedEventStore } from '../../src/stores/eventstoredb/prefixed-event-store.js';
import { EventStoreDbServer } from '../support/eventstoredb-server/server.js';
import { notRun } from '../support/not-run.js';
import { describeEventStore } from './event-store.contract.js';
import { events, type EventStoreHarness } from './log-under-test.js';

const beyondTheEnd = '9000000000000000000/9000000000000000000' as Position;
const { EVENTSTORE_URL } = process.env;

/** The suite's own streams begin with `test`. */
function harness(url: string, prefix = '', stop: () => Promise<void> = async () => undefined): EventStoreHarness {
  const stores: EventStoreDbEventStore[] = [];
  const open = (): EventStore => {
    const store = openEventStoreDb({ url, prefixes: [`${prefix}test`] });
    stores.push(store);
    return prefix === '' ? store : new PrefixedEventStore(store, prefix);
  };
  const another = async (): Promise<EventStore> => open();
  const port = open();
  const close = async (): Promise<void> => {
    for (const store of stores) await store.close();
    await stop();
  };
  return { port, another, close, beyondTheEnd };
}

describeEventStore('EventStoreDB, on the server of the tests', async () => {
  const server = await EventStoreDbServer.start();
  return harness(server.url, '', () => server.stop());
});

describeEventStore('EventStoreDB, under a prefix', async () => {
  const server = await EventStoreDbServer.start();
  return harness(server.url, 'staging-', () => server.stop());
});

describe('Two environments on one log', () => {
  it('know nothing of each other', async () => {
    const server = await EventStoreDbServer.start();
    const [one, other] = [harness(server.url, 'one-'), harness(server.url, 'other-')];
    await one.port.append('test-1', 'no_stream', events(2));
    expect(await other.port.read('test-1')).toEqual([]);
    expect(await other.port.head()).toBeUndefined();
    await other.port.append('test-1', 'no_stream', events(1));
    const signal = AbortSignal.timeout(10_000);
    const seen: string[] = [];
    for await (const message of other.port.subscribe({ signal })) {
      if (message.kind === 'caught_up') break;
      if (message.kind === 'event') seen.push(`${message.event.stream}@${message.event.revision}`);
    }
    expect(seen).toEqual(['test-1@0']);
    expect(server.log.records.map(({ stream }) => stream)).toContain('one-test-1');
    await one.close();
    await other.close();
    await server.stop();
  });
});

if (EVENTSTORE_URL === undefined) {
  notRun('the event log contract on a real EventStoreDB', 'EVENTSTORE_URL names no server');
} else {
  describeEventStore('EventStoreDB, on a real server', async () => harness(EVENTSTORE_URL));
}
