import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { DataFolderInUse } from './data-folder-lock.js';
import { openSqliteStores } from './sqlite-stores.js';

const event = { id: 'e1', type: 'SomethingHappened', data: {}, metadata: {} };

describe('the embedded stores', () => {
  let parent: string;
  let dataDir: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'customers-'));
    dataDir = join(parent, 'deep', 'data');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it('make their folder and files for their owner only', async () => {
    const stores = await openSqliteStores({ dataDir });
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dataDir))
      expect([name, statSync(join(dataDir, name)).mode & 0o077]).toEqual([name, 0]);
    await stores.close();
  });

  it('leave seven whole files and a mark of them behind, which hold everything at the next start', async () => {
    const first = await openSqliteStores({ dataDir });
    const logId = await first.eventStore.logId();
    const { position } = await first.eventStore.append('s', 'no_stream', [event]);
    await first.checkpoints.save('views', { logId, position });
    await first.keyCheckpoints.save('keys', { logId, position });
    await first.close();
    const filled = readdirSync(dataDir).filter((name) => statSync(join(dataDir, name)).size > 0);
    // The index of a write-ahead log goes with the last connection, which is when the driver's statements are collected.
    const files = filled.filter((name) => !name.endsWith('-shm'));
    expect(files.sort()).toEqual([
      'access.db',
      'audit.db',
      'events.db',
      'keys.db',
      'receipts.db',
      'stopped.json',
      'views.db',
      'webhooks.db',
    ]);

    const second = await openSqliteStores({ dataDir });
    expect(await second.eventStore.read('s')).toHaveLength(1);
    expect(await second.checkpoints.load('views')).toEqual({ logId, position });
    expect(await second.checkpoints.load('keys')).toBeUndefined();
    expect(await second.keyCheckpoints.load('keys')).toEqual({ logId, position });
    await second.close();
  });

  it('are for one server at a time; commands work beside it', async () => {
    const server = await openSqliteStores({ dataDir });
    await expect(openSqliteStores({ dataDir })).rejects.toThrow(DataFolderInUse);
    const command = await openSqliteStores({ dataDir, lock: false });
    await command.eventStore.append('s', 'no_stream', [event]);
    expect(await server.eventStore.read('s')).toHaveLength(1);
    await command.close();
    await expect(openSqliteStores({ dataDir })).rejects.toThrow(DataFolderInUse);
    await server.close();
    await (await openSqliteStores({ dataDir })).close();
  });

  it('let go of everything when one of them cannot be opened', async () => {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'keys.db'), 'no database '.repeat(1000));
    await expect(openSqliteStores({ dataDir })).rejects.toThrow(StoreUnavailable);
    rmSync(join(dataDir, 'keys.db'));
    await (await openSqliteStores({ dataDir })).close();
  });

  it('leave the rights of a folder alone that was there before', async () => {
    mkdirSync(dataDir, { recursive: true });
    chmodSync(dataDir, 0o750);
    await (await openSqliteStores({ dataDir })).close();
    expect(statSync(dataDir).mode & 0o777).toBe(0o750);
  });

  it('live in memory when told so, apart from each other', async () => {
    const [one, two] = [await openSqliteStores({ memory: true }), await openSqliteStores({ memory: true })];
    await one.eventStore.append('s', 'no_stream', [event]);
    expect(await two.eventStore.read('s')).toEqual([]);
    await one.close();
    await two.close();
  });
});
