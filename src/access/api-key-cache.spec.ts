import { TestClock } from '../../test/support/test-clock.js';
import { openSqliteStores } from '../stores/sqlite/sqlite-stores.js';
import { ApiKeyCache } from './api-key-cache.js';
import { newApiKey } from './secrets.js';

describe('the cache of API keys', () => {
  it('shows a revocation after a second, and a new key at once', async () => {
    const clock = new TestClock();
    const { apiKeys, close } = await openSqliteStores({ memory: true, clock });
    const cache = new ApiKeyCache(apiKeys, clock);
    const { stored } = newApiKey({ name: 'a', scopes: ['customers:read'] }, clock.now());
    expect(await cache.findByHash(stored.secretHash)).toBeUndefined();
    await apiKeys.add(stored);
    expect(await cache.findByHash(stored.secretHash)).toEqual(stored);
    await apiKeys.revoke(stored.id, clock.now());
    clock.advance(999);
    expect(await cache.findByHash(stored.secretHash)).toEqual(stored);
    clock.advance(1);
    expect((await cache.findByHash(stored.secretHash))?.revokedAt).toBe(clock.now() - 1_000);
    clock.advance(-3_600_000);
    expect((await cache.findByHash(stored.secretHash))?.revokedAt).toBeDefined();
    await close();
  });
});
