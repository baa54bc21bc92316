import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { SystemClock } from '../event-sourcing/clock.js';
import { ServiceSecrets } from '../privacy/service-secrets.js';
import { AccessGuard } from './access.guard.js';
import { ApiKeyCache } from './api-key-cache.js';
import { ApiKeys, type StoredApiKey } from './api-keys.js';
import { Authentication, bearerCredential } from './authentication.js';
import { BearerTokens } from './bearer-tokens.js';
import { RateLimit } from './rate-limit.js';
import { Public, RequiresScope } from './required-access.js';
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
      expect(bearerCredential(`Bearer ${secret}`)).toBe(secret);
    }
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(2);
    expect(new Set(made.map(({ stored }) => stored.id)).size).toBe(2);
  });

  it('keep their end', () => {
    expect(apiKeyFor('given-secret', { name: 'n', scopes: [], expiresAt: 5 }, 1)).toMatchObject({ expiresAt: 5 });
  });
});

/** Finds every key, with all the scopes given. */
class AnyKey extends ApiKeys {
  constructor(private readonly key: Omit<StoredApiKey, 'secretHash'>) {
    super();
  }
  override findByHash(secretHash: string): Promise<StoredApiKey> {
    return Promise.resolve({ ...this.key, secretHash });
  }
  override list = (): Promise<[]> => Promise.resolve([]);
  override add = (): Promise<void> => Promise.resolve();
  override addFirst = (): Promise<boolean> => Promise.resolve(false);
  override revoke = (): Promise<boolean> => Promise.resolve(false);
  override health = (): Promise<void> => Promise.resolve();
}

class Routes {
  @Public() open(): void {}
  @RequiresScope('customers:read') read(): void {}
  undeclared(): void {}
}

describe('the guard', () => {
  const keys = new AnyKey({ id: 'key_1', name: 'n', scopes: ['customers:read', 'admin'], createdAt: 0 });
  const clock = new SystemClock();
  const none = new Uint8Array(32);
  const tokens = new BearerTokens({}, clock, new ServiceSecrets(none, none, none, none));
  const authentication = new Authentication(new ApiKeyCache(keys, clock), tokens, clock);
  const guard = new AccessGuard(authentication, new RateLimit({ rateLimit: 0 }), new Reflector());
  const enter = (route: keyof Routes, headers: object): Promise<boolean> => {
    const request = { headers, caller: null };
    const context = {
      getHandler: () => Routes.prototype[route],
      getClass: () => Routes,
      switchToHttp: () => ({ getRequest: () => request }),
    };
    return guard.canActivate(context as unknown as ExecutionContext);
  };
  const headers = { authorization: 'Bearer any' };

  it('lets nobody into a route that declares no scope', async () => {
    await expect(enter('undeclared', headers)).rejects.toMatchObject({ status: 403 });
  });
  it('lets anybody into a public route, and the right key into its own', async () => {
    await expect(enter('open', {})).resolves.toBe(true);
    await expect(enter('read', headers)).resolves.toBe(true);
    await expect(enter('read', {})).rejects.toMatchObject({ status: 401 });
  });
});
