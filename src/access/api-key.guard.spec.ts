import { bearerToken } from './api-key.guard.js';
import { apiKeyFor, hashOf, newApiKey } from './secrets.js';

describe('API keys', () => {
  it('have secrets of 256 random bits, of which only the hash is stored', () => {
    const now = 1_000;
    const made = [1, 2].map(() => newApiKey({ name: 'shop', scopes: ['customers:read', 'customers:read'] }, now));
    for (const { secret, stored } of made) {
      expect(secret).toMatch(/^ck_[A-Za-z0-9_-]{43}$/);
      expect(stored).toEqual({
        id: expect.stringMatching(/^key_[A-Za-z0-9_-]{12}$/) as string,
        name: 'shop',
        scopes: ['customers:read'],
        createdAt: now,
        secretHash: hashOf(secret),
      });
      expect(JSON.stringify(stored)).not.toContain(secret);
      expect(bearerToken(`Bearer ${secret}`)).toBe(secret);
    }
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(2);
    expect(new Set(made.map(({ stored }) => stored.id)).size).toBe(2);
  });

  it('keep their end', () => {
    expect(apiKeyFor('given-secret', { name: 'n', scopes: [], expiresAt: 5 }, 1)).toMatchObject({ expiresAt: 5 });
  });
});
