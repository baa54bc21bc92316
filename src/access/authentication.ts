import { isValidAt } from './api-keys.js';
import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../event-sourcing/clock.js';
import { ApiKeyCache } from './api-key-cache.js';
import { BearerTokens } from './bearer-tokens.js';
import type { Caller } from './caller.js';
import { hashOf } from './secrets.js';

/** Says who stands behind an `Authorization` header. */
@Injectable()
export class Authentication {
  constructor(
    private readonly keys: ApiKeyCache,
    private readonly tokens: BearerTokens,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns undefined for a missing, unknown, revoked, expired or forged credential: none tells an attacker more than
   * another
   * @throws StoreUnavailable('api_keys' or 'token_keys') when it could not be judged
   */
  async callerOf(authorization: string | undefined): Promise<Caller | undefined> {
    const credential = bearerCredential(authorization);
    if (credential === undefined) return undefined;
    return this.tokens.recognise(credential) ? this.tokens.callerOf(credential) : this.callerOfKey(credential);
  }

  private async callerOfKey(secret: string): Promise<Caller | undefined> {
    const secretHash = hashOf(secret);
    const key = await this.keys.findByHash(secretHash);
    if (key === undefined || !sameHash(key.secretHash, secretHash)) return undefined;
    if (!isValidAt(key, this.clock.now())) return undefined;
    return { actor: { type: 'api_key', id: key.id }, scopes: key.scopes };
  }
}

/** RFC 6750, 2.1; the scheme's name is not case-sensitive (RFC 9110, 11.1). */
export function bearerCredential(authorization: string | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization ?? '')?.[1];
}

function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
