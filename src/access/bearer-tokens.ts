import { createHmac } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { errors, type FlattenedJWSInput, type JWTPayload, jwtVerify, type JWTVerifyOptions, UnsecuredJWT } from 'jose';
import { CONFIG, type Config } from '../config.js';
import { Clock } from '../event-sourcing/clock.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { ServiceSecrets } from '../privacy/service-secrets.js';
import type { Caller } from './caller.js';
import { isScope, type Scope } from './scopes.js';
import { TokenKeys } from './token-keys.js';

/** Signatures by key pairs only: with none of these can a public key be mistaken for a shared secret. */
export const ALGORITHMS = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
] as const; // prettier-ignore

/**
 * RFC 9068, 2.1 says `at+jwt`; `JWT` is what many issuers write instead. Whatever else there is (`logout+jwt`,
 * `dpop+jwt`) is no access token. An ID token is kept out by its audience, and lacks a scope.
 */
const TYPES = new Set(['at+jwt', 'jwt']);
/** Those of RFC 9068, 2.2 that something rests on here; `client_id` and `jti` are not asked for. */
const REQUIRED_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'iat'];
const CLOCK_TOLERANCE_S = 10;
/** Since its `iat`, whatever its `exp` says. */
const MAX_AGE_S = 24 * 60 * 60;
const MAX_LENGTH = 8 * 1024;
const MAX_NAME_LENGTH = 256;
const HEADER_OF_NONE = Buffer.from('{"alg":"none"}').toString('base64url');

type Header = Readonly<Record<string, unknown>>;

/**
 * Access tokens of another issuer: signed JWTs (RFC 7519, RFC 9068), judged as RFC 8725 advises. Off unless configured.
 * What can be refused without the issuer's keys is refused before they are asked for.
 */
@Injectable()
export class BearerTokens {
  private readonly log = new Logger('BearerTokens');
  private readonly options: JWTVerifyOptions | undefined;
  private readonly keys: TokenKeys | undefined;

  constructor(
    @Inject(CONFIG) { tokens }: Pick<Config, 'tokens'>,
    private readonly clock: Clock,
    private readonly secrets: ServiceSecrets,
  ) {
    if (tokens === undefined) return;
    this.keys = new TokenKeys(tokens.jwksUrl, clock);
    this.options = {
      algorithms: [...ALGORITHMS],
      issuer: tokens.issuer,
      audience: tokens.audience,
      requiredClaims: REQUIRED_CLAIMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      maxTokenAge: MAX_AGE_S,
      // No extension is understood; the library knows `b64` all the same: see `checkHeader`, where `typ` is checked too.
      crit: {},
    };
  }

  /** Whether it has the form of a token (a JSON object comes first), and not of an API key. */
  recognise(credential: string): boolean {
    return this.options !== undefined && /^eyJ[^.]*\./.test(credential);
  }

  /** @returns undefined for a token that is not good @throws StoreUnavailable('token_keys') when that can't be told */
  async callerOf(token: string): Promise<Caller | undefined> {
    if (this.options === undefined || this.keys === undefined || !isCompactJws(token)) return undefined;
    const options = { ...this.options, currentDate: new Date(this.clock.now()) };
    const { keyFor } = this.keys;
    try {
      const { payload } = await jwtVerify(
        token,
        (header, jws) => {
          checkHeader({ ...header });
          checkClaims(jws, options);
          return keyFor(header, jws);
        },
        options,
      );
      return this.callerIn(payload);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      this.log.debug(`A token was refused: ${reasonOf(error)}`);
      return undefined;
    }
  }

  /** The subject may be a name or an address: what is kept is an HMAC, under a key that never rotates. */
  private callerIn({ iss, sub, scope }: JWTPayload): Caller {
    const id = createHmac('sha256', this.secrets.tokenSubject)
      .update(JSON.stringify([iss, sub]))
      .digest('base64url');
    return { actor: { type: 'token', id }, scopes: scopesIn(scope) };
  }
}

/** RFC 7515, 7.1 to the letter, where the library is lenient: no padding, no bits behind the last byte. */
function isCompactJws(token: string): boolean {
  const parts = token.length > MAX_LENGTH ? [] : token.split('.');
  return parts.length === 3 && parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

/** @throws RefusedToken */
function checkHeader({ typ, kid, b64 }: Header): void {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : '';
  if (!TYPES.has(type)) throw new RefusedToken('typ');
  if (!isName(kid)) throw new RefusedToken('kid');
  if (b64 !== undefined) throw new RefusedToken('b64');
}

/**
 * The library's own check of the claims, on the token as if it had no signature: that is checked afterwards, and the claims
 * once more with it. @throws JOSEError, RefusedToken
 */
function checkClaims({ payload }: FlattenedJWSInput, options: JWTVerifyOptions): void {
  if (typeof payload !== 'string') throw new RefusedToken('payload');
  const { sub } = UnsecuredJWT.decode(`${HEADER_OF_NONE}.${payload}.`, options).payload;
  if (!isName(sub)) throw new RefusedToken('sub');
}

class RefusedToken extends Error {
  override readonly name = 'RefusedToken';
  constructor(readonly claim: string) {
    super(claim);
  }
}

/** RFC 8693, 4.2: names with spaces between. What is no scope of this service counts for nothing. */
function scopesIn(claim: unknown): readonly Scope[] {
  return typeof claim === 'string' ? [...new Set(claim.split(' ').filter(isScope))] : [];
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH;

/** For the log: names of ours and of the library, nothing out of the token. */
function reasonOf(error: unknown): string {
  if (error instanceof RefusedToken) return error.claim;
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return `${error.claim} ${error.reason}`;
  }
  return error instanceof errors.JOSEError ? error.code : 'it could not be read';
}
