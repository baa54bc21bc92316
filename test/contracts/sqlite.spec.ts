import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Position } from '../../src/event-sourcing/event-store.js';
import { SqliteEventStore } from '../../src/stores/sqlite/sqlite-event-store.js';
import { describeEventStore, type EventStoreHarness } from './event-store.contract.js';

const beyondTheEnd = '999999999' as Position;

const inMemory = async (): Promise<EventStoreHarness> => {
  const store = await SqliteEventStore.open({ file: ':memory:' });
  return { store, beyondTheEnd, close: () => store.close() };
};
const onDisk = async (): Promise<EventStoreHarness> => {
  const folder = mkdtempSync(join(tmpdir(), 'customers-'));
  const open = () => SqliteEventStore.open({ file: join(folder, 'events.db') });
  const opened = [await open()];
  return {
    store: opened[0]!,
    beyondTheEnd,
    another: async () => {
      const other = await open();
      opened.push(other);
      return other;
    },
    close: async () => {
      for (const store of opened) await store.close();
      rmSync(folder, { recursive: true });
    },
  };
};

describeEventStore('SQLite in memory', inMemory);
describeEventStore('SQLite on disk', onDisk);
