import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../event-sourcing/clock.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';

const MAX_BYTES = 256 * 1024;

/** All in milliseconds. */
export interface KeyTiming {
  /** For a whole fetch, its body included. */
  readonly timeout: number;
  /** An unknown `kid` makes the keys be fetched again, yet never sooner than this after the last time. */
  readonly cooldown: number;
  /** The same after a fetch that failed: short, so that tokens are judged again soon after an outage. */
  readonly cooldownOnFailure: number;
  /** So long are keys used that could not be fetched again, or that were withdrawn. */
  readonly maxAge: number;
}

const TIMING: KeyTiming = { timeout: 3_000, cooldown: 10_000, cooldownOnFailure: 2_000, maxAge: 600_000 };

/**
 * The public keys of the tokens' issuer (RFC 7517), fetched when a token first needs them. Fetches never overlap, and
 * follow no redirect: the keys come from the configured address alone.
 */
export class TokenKeys {
  /**
   * @throws StoreUnavailable('token_keys') when the keys can't be had
   * @throws JOSEError when they can, and none of them is for this token
   */
  readonly keyFor: JWTVerifyGetKey;
  private failedAt = -Infinity;

  constructor(
    url: string,
    private readonly clock: Clock,
    private readonly timing: KeyTiming = TIMING,
  ) {
    this.keyFor = createRemoteJWKSet(new URL(url), {
      timeoutDuration: timing.timeout,
      cooldownDuration: timing.cooldown,
      cacheMaxAge: timing.maxAge,
      headers: { accept: 'application/jwk-set+json, application/json' },
      [customFetch]: (address, options) => this.fetch(address, options),
    });
  }

  private async fetch(address: string, options: RequestInit): Promise<Response> {
    const sinceFailure = this.clock.now() - this.failedAt;
    if (sinceFailure >= 0 && sinceFailure < this.timing.cooldownOnFailure) throw new StoreUnavailable('token_keys');
    try {
      return Response.json(keySetOf(await bodyOf(await fetch(address, { ...options, redirect: 'manual' }))));
    } catch (cause) {
      this.failedAt = this.clock.now();
      throw new StoreUnavailable('token_keys', { cause });
    }
  }
}

async function bodyOf({ status, body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream: ReadableStream<Uint8Array> | null = body;
  if (status !== 200) {
    await stream?.cancel();
    throw new Error(`The key set was answered with ${status}`);
  }
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new Error(`The key set has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws SyntaxError, JWKSInvalid */
function keySetOf(body: string): JSONWebKeySet {
  // Throws unless it is one.
  return createLocalJWKSet(JSON.parse(body) as JSONWebKeySet).jwks();
}
