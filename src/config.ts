import { join } from 'node:path';

/** Everything that can be set from outside, checked once at start. See `.env.example` for what each means. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly apiKeyBootstrap?: string;
  /** `id:base64` pairs, the active one first. */
  readonly masterKeys?: readonly { readonly id: string; readonly key: Uint8Array }[];
  readonly masterKeyFile: string;
  readonly forgetGraceDays: number;
  readonly sourcesUrl?: string;
  readonly sourcesToken?: string;
  readonly liveMode: boolean;
  readonly logLevel: LogLevel;
  /** Bytes. */
  readonly bodyLimit: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The token under which the composition root provides the {@link Config}. */
export const CONFIG = Symbol('Config');

/** A setting that stops the start. The message is one line that names it, never a value that could be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

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
  const masterKeys = readMasterKeys(settings);
  const sourcesUrl = settings.url('SOURCES_URL');
  const sourcesToken = settings.text('SOURCES_TOKEN');
  return {
    port: settings.integer('PORT', 0, 65_535) ?? 3000,
    host: settings.text('HOST') ?? '127.0.0.1',
    dataDir,
    ...(apiKeyBootstrap !== undefined && { apiKeyBootstrap }),
    ...(masterKeys !== undefined && { masterKeys }),
    masterKeyFile: settings.text('MASTER_KEY_FILE') ?? join(dataDir, 'master.key'),
    forgetGraceDays: settings.integer('FORGET_GRACE_DAYS', 0, 3650) ?? 28,
    ...(sourcesUrl !== undefined && { sourcesUrl }),
    ...(sourcesToken !== undefined && { sourcesToken }),
    liveMode: settings.oneOf('LIVE_MODE', ['true', 'false']) === 'true',
    logLevel: settings.oneOf('LOG_LEVEL', LOG_LEVELS) ?? 'info',
    bodyLimit: settings.integer('BODY_LIMIT', KIB, 16 * KIB * KIB) ?? DEFAULT_BODY_LIMIT,
  };
}

class Settings {
  constructor(private readonly env: Environment) {}

  text(name: string): string | undefined {
    const value = this.env[name]?.trim();
    if (value === undefined || value === '') return undefined;
    if (/\p{Cc}/u.test(value)) throw new ConfigError(`${name} must not contain control characters`);
    return value;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new ConfigError(`${name} must be an integer from ${String(min)} to ${String(max)}`);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new ConfigError(`${name} must be one of ${values.join(', ')}`);
    return value;
  }

  /** Without the slash at its end, so that paths can be appended. */
  url(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
    if (!plain || !/^https?:$/.test(url.protocol)) {
      throw new ConfigError(`${name} must be an http or https URL without credentials, query and fragment`);
    }
    return url.href.replace(/\/+$/, '');
  }
}

function bootstrapKey(settings: Settings): string | undefined {
  const secret = settings.text('API_KEY_BOOTSTRAP');
  if (secret === undefined) return undefined;
  if (secret.length < 16) throw new ConfigError('API_KEY_BOOTSTRAP must have at least 16 characters');
  if (!SENDABLE.test(secret)) throw new ConfigError('API_KEY_BOOTSTRAP can hold A-Z a-z 0-9 - . _ ~ + / only');
  return secret;
}

function readMasterKeys(settings: Settings): Config['masterKeys'] {
  const text = settings.text('MASTER_KEYS');
  if (text === undefined) return undefined;
  const keys = text.split(',').map(readMasterKey);
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new ConfigError('MASTER_KEYS names an id twice');
  return keys;
}

function readMasterKey(pair: string): { id: string; key: Uint8Array } {
  const [, id, base64] = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/_-]{43}=?)$/.exec(pair.trim()) ?? [];
  if (id === undefined || base64 === undefined) {
    throw new ConfigError('MASTER_KEYS must be id:key pairs separated by commas, each key base64 of 32 bytes');
  }
  return { id, key: new Uint8Array(Buffer.from(base64, 'base64')) };
}
