import type { Position } from '../../event-sourcing/event-store.js';
import { SystemClock } from '../../event-sourcing/clock.js';
import { SqliteDatabase } from './database.js';
import { IN_MEMORY } from './driver.js';
import { SqliteCheckpoints } from './sqlite-checkpoints.js';
import { keysDatabase } from './sqlite-stores.js';

const [SYNCED, UNSYNCED] = [2, 1];

describe('embedded checkpoints', () => {
  it('do not make requests wait for the disk, though the file is one whose writes last', async () => {
    const database = await SqliteDatabase.open(keysDatabase(IN_MEMORY));
    const checkpoints = new SqliteCheckpoints(database, new SystemClock());
    const level = (): number => database.writer.number('PRAGMA synchronous');
    const lease = await checkpoints.acquire('erasures', 'me', 1000);
    expect(level()).toBe(SYNCED);
    await checkpoints.save('erasures', { logId: 'log', position: '1' as Position }, lease);
    expect(level()).toBe(UNSYNCED);
    await database.write(() => () => undefined);
    expect(level()).toBe(SYNCED);
    if (lease !== undefined) await checkpoints.renew(lease, 1000);
    expect(level()).toBe(UNSYNCED);
    await checkpoints.remove('erasures');
    expect(level()).toBe(SYNCED);
    await database.close();
  });
});
