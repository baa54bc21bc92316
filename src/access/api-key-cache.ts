import { Injectable } from '@nestjs/common';
import { Clock } from '../event-sourcing/clock.js';
import { ApiKeys, type StoredApiKey } from './api-keys.js';

/** A revocation by another process takes effect at most so much later. */
const MAX_AGE_MS = 1_000;
const MAX_ENTRIES = 1_000;

/** Spares the look-up of a key that was looked up just now. Unknown keys are not kept: a new one works at once. */
@Injectable()
export class ApiKeyCache {
  private readonly held = new Map<string, { readonly key: StoredApiKey; readonly until: number }>();

  constructor(
    private readonly keys: ApiKeys,
    private readonly clock: Clock,
  ) {}

  /** @throws StoreUnavailable('api_keys') */
  async findByHash(secretHash: string): Promise<StoredApiKey | undefined> {
    const now = this.clock.now();
    const entry = this.held.get(secretHash);
    // A clock that was set back must not keep a key for longer.
    if (entry !== undefined && entry.until > now && entry.until <= now + MAX_AGE_MS) return entry.key;
    const key = await this.keys.findByHash(secretHash);
    this.held.delete(secretHash);
    if (key === undefined) return undefined;
    if (this.held.size >= MAX_ENTRIES) this.held.clear();
    this.held.set(secretHash, { key, until: now + MAX_AGE_MS });
    return key;
  }
}
