import type { ApiKeys } from './api-keys.js';
import { SCOPES } from './scopes.js';
import { apiKeyFor, newApiKey } from './secrets.js';

/**
 * Makes sure that somebody can get in: while there is no key at all, the configured secret becomes one with all scopes, or
 * a new one is made. @returns the secret to show, once, of a key that was made here
 */
export async function ensureFirstKey(
  keys: ApiKeys,
  configured: string | undefined,
  now: number,
): Promise<string | undefined> {
  const description = { name: 'bootstrap', scopes: SCOPES };
  if (configured !== undefined) {
    await keys.addFirst(apiKeyFor(configured, description, now));
    return undefined;
  }
  const { secret, stored } = newApiKey(description, now);
  return (await keys.addFirst(stored)) ? secret : undefined;
}
