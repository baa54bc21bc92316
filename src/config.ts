import { join } from 'node:path';
import { ConfigError, type Environment, Settings } from './settings.js';
import { readStoreUrls, type StoreUrls } from './store-urls.js';

/** Everything that can be set from outside, checked once at start. See `.env.example` for what each means. */
export interface Config extends StoreUrls {
  readonly role: Role;
  readonly port: number;
  readonly host: string;
  /** Where `/metrics` is when it is not beside the API. */
  readonly metricsPort?: number;
  readonly dataDir: string;
  readonly apiKeyBootstrap?: string;
  /** `id:base64` pairs, the active one first. */
  readonly masterKeys?: readonly { readonly id: string; readonly key: Uint8Array }[];
  readonly masterKeyFile: string;
  /** Seeds of Ed25519, the active one first; the service's own is the last of the ring. */
  readonly signingKeys?: readonly { readonly id: string; readonly key: Uint8Array }[];
  /** No key file is made where there is none: other instances must have the same one. */
  readonly masterKeyMustExist: boolean;
  readonly forgetGraceDays: number;
  /** After so many days a master key is taken out of use and destroyed; absent while that is not planned. */
  readonly masterKeyEpochDays?: number;
  readonly sourcesUrl?: string;
  readonly sourcesToken?: string;
  readonly liveMode: boolean;
  readonly logLevel: LogLevel;
  /** Bytes. */
  readonly bodyLimit: number;
  /** Whose bearer tokens are taken. */
  readonly tokens?: { readonly jwksUrl: string; readonly issuer: string; readonly audience: string };
  /** Requests a second and principal; 0 is no limit. */
  readonly rateLimit: number;
  /** Origins whose pages may ask from a browser: `https://app.example`. */
  readonly allowedOrigins: readonly string[];
  /** Webhooks may go to loopback addresses, and there by http: for development. */
  readonly webhooksAllowLoopback: boolean;
  /** Who keeps checkpoints of the audit tree outside. */
  readonly auditWitnessUrl?: string;
  /** Of whoever runs a command that shows personal values. */
  readonly auditApiKey?: string;
  /** What libraries are told to print; refused where that would be passwords. */
  readonly debug?: string;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const ROLES = ['all', 'api', 'worker'] as const;
/** What an instance does: serve requests, follow the log (projector, erasures, sources), or both. */
export type Role = (typeof ROLES)[number];

/** The token under which the composition root provides the {@link Config}. */
export const CONFIG = Symbol('Config');

const KIB = 1024;
/**
 * The largest valid body has some 22,000 characters, and JSON may write each as `\ud83d\ude00`, 12 bytes: 264 KB.
 * The rest is room for white space and for metadata pairs that are to be removed.
 */
const DEFAULT_BODY_LIMIT = 512 * KIB;
/** What a Bearer token can hold (RFC 6750, 2.1): another secret could never be sent. */
const SENDABLE = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Reads the variables of `.env` in the working directory into the environment, where they are not set already. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw new ConfigError('.env can not be read');
    }
  }
}

/** An empty setting counts as not set. @throws ConfigError for the first setting that is not good */
export function readConfig(env: Environment = process.env): Config {
  const settings = new Settings(env);
  const dataDir = settings.text('DATA_DIR') ?? './data';
  const apiKeyBootstrap = bootstrapKey(settings);
  const masterKeys = readKeys(settings, 'MASTER_KEYS');
  const signingKeys = readKeys(settings, 'SIGNING_KEYS');
  const masterKeyFile = settings.text('MASTER_KEY_FILE');
  const urls = readStoreUrls(settings);
  requireShared(urls, masterKeys ?? masterKeyFile, apiKeyBootstrap);
  const sourcesUrl = settings.url('SOURCES_URL');
  const sourcesToken = settings.text('SOURCES_TOKEN');
  const tokens = readTokens(settings);
  const debug = settings.text('DEBUG');
  const auditWitnessUrl = settings.url('AUDIT_WITNESS_URL');
  const auditApiKey = settings.text('AUDIT_API_KEY');
  const metricsPort = settings.integer('METRICS_PORT', 0, 65_535);
  const masterKeyEpochDays = settings.integer('MASTER_KEY_EPOCH_DAYS', 1, 3650);
  return {
    ...urls,
    role: settings.oneOf('ROLE', ROLES) ?? 'all',
    port: settings.integer('PORT', 0, 65_535) ?? 3000,
    host: settings.text('HOST') ?? '127.0.0.1',
    ...(metricsPort !== undefined && { metricsPort }),
    dataDir,
    ...(apiKeyBootstrap !== undefined && { apiKeyBootstrap }),
    ...(masterKeys !== undefined && { masterKeys }),
    ...(signingKeys !== undefined && { signingKeys }),
    masterKeyFile: masterKeyFile ?? join(dataDir, 'master.key'),
    masterKeyMustExist: urls.keysMongodbUrl !== undefined,
    forgetGraceDays: settings.integer('FORGET_GRACE_DAYS', 0, 3650) ?? 28,
    ...(masterKeyEpochDays !== undefined && { masterKeyEpochDays }),
    ...(sourcesUrl !== undefined && { sourcesUrl }),
    ...(sourcesToken !== undefined && { sourcesToken }),
    liveMode: settings.oneOf('LIVE_MODE', ['true', 'false']) === 'true',
    logLevel: settings.oneOf('LOG_LEVEL', LOG_LEVELS) ?? 'info',
    bodyLimit: settings.integer('BODY_LIMIT', KIB, 16 * KIB * KIB) ?? DEFAULT_BODY_LIMIT,
    ...(tokens !== undefined && { tokens }),
    ...(debug !== undefined && { debug }),
    ...(auditWitnessUrl !== undefined && { auditWitnessUrl }),
    ...(auditApiKey !== undefined && { auditApiKey }),
    allowedOrigins: readOrigins(settings),
    rateLimit: settings.integer('RATE_LIMIT', 0, 1_000_000) ?? 0,
    webhooksAllowLoopback: settings.oneOf('WEBHOOKS_ALLOW_LOOPBACK', ['true', 'false']) === 'true',
  };
}

/** What many instances share can't be made by the first of them. */
function requireShared({ mongodbUrl, keysMongodbUrl }: StoreUrls, masterKeys: unknown, firstKey: unknown): void {
  if (keysMongodbUrl !== undefined && masterKeys === undefined) {
    throw new ConfigError(
      'MASTER_KEYS (or MASTER_KEY_FILE) must be set beside KEYS_MONGODB_URL: all instances need the same',
    );
  }
  if (mongodbUrl !== undefined && firstKey === undefined) {
    throw new ConfigError(
      'API_KEY_BOOTSTRAP must be set beside MONGODB_URL: a key made by one instance would be lost in its log',
    );
  }
}

function bootstrapKey(settings: Settings): string | undefined {
  const secret = settings.text('API_KEY_BOOTSTRAP');
  if (secret === undefined) return undefined;
  if (secret.length < 16) throw new ConfigError('API_KEY_BOOTSTRAP must have at least 16 characters');
  if (!SENDABLE.test(secret)) throw new ConfigError('API_KEY_BOOTSTRAP can hold A-Z a-z 0-9 - . _ ~ + / only');
  return secret;
}

function readTokens(settings: Settings): Config['tokens'] {
  const jwksUrl = settings.url('AUTH_JWKS_URL');
  const issuer = settings.text('AUTH_ISSUER');
  const audience = settings.text('AUTH_AUDIENCE');
  if (jwksUrl !== undefined && !/^(https:|http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$))/.test(jwksUrl)) {
    throw new ConfigError(
      'AUTH_JWKS_URL must be https, or of this very machine: whoever can exchange the keys can get in',
    );
  }
  if (jwksUrl !== undefined && issuer !== undefined && audience !== undefined) return { jwksUrl, issuer, audience };
  if (jwksUrl === undefined && issuer === undefined && audience === undefined) return undefined;
  const all = Object.entries({ AUTH_JWKS_URL: jwksUrl, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience });
  const missing = all.filter(([, value]) => value === undefined).map(([name]) => name);
  throw new ConfigError(
    `AUTH_JWKS_URL, AUTH_ISSUER and AUTH_AUDIENCE go together: ${missing.join(' and ')} is not set`,
  );
}

/** As browsers send them (RFC 6454, 6.2): a path or a slash at the end would match nothing, ever. */
function readOrigins(settings: Settings): readonly string[] {
  const text = settings.text('ALLOWED_ORIGINS');
  if (text === undefined) return [];
  const origins = text.split(',').map((origin) => origin.trim());
  const isOrigin = (origin: string): boolean =>
    /^https?:[^*]*$/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
  if (origins.every(isOrigin)) return origins;
  throw new ConfigError('ALLOWED_ORIGINS must be origins separated by commas, as https://app.example');
}

function readKeys(settings: Settings, name: 'MASTER_KEYS' | 'SIGNING_KEYS'): Config['masterKeys'] {
  const text = settings.text(name);
  if (text === undefined) return undefined;
  const keys = text.split(',').map((pair) => readKey(pair, name));
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new ConfigError(`${name} names an id twice`);
  return keys;
}

function readKey(pair: string, name: string): { id: string; key: Uint8Array } {
  const [, id, base64] = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/_-]{43}=?)$/.exec(pair.trim()) ?? [];
  if (id === undefined || base64 === undefined) {
    throw new ConfigError(`${name} must be id:key pairs separated by commas, each key base64 of 32 bytes`);
  }
  return { id, key: new Uint8Array(Buffer.from(base64, 'base64')) };
}
