import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readConfig } from './config.js';
import { ConfigError } from './settings.js';

const key = randomBytes(32).toString('base64');

describe('configuration', () => {
  it('has a default for every setting', () => {
    expect(readConfig({})).toEqual({
      allowedOrigins: [],
      role: 'all',
      port: 3000,
      host: '127.0.0.1',
      dataDir: './data',
      masterKeyFile: 'data/master.key',
      masterKeyMustExist: false,
      forgetGraceDays: 28,
      liveMode: false,
      logLevel: 'info',
      bodyLimit: 524_288,
      rateLimit: 0,
      webhooksAllowLoopback: false,
    });
  });

  it('takes every setting from the environment', () => {
    const config = readConfig({
      PORT: '0',
      HOST: '0.0.0.0',
      DATA_DIR: '/var/lib/customers',
      API_KEY_BOOTSTRAP: 'sixteen-chars-ok',
      MASTER_KEYS: `new:${key}, old:${key}`,
      MASTER_KEY_FILE: '/run/secrets/master.key',
      FORGET_GRACE_DAYS: '0',
      SOURCES_URL: 'https://sources.example/v1/',
      SOURCES_TOKEN: 'token',
      LIVE_MODE: 'true',
      LOG_LEVEL: 'silent',
      BODY_LIMIT: '1048576',
      AUTH_JWKS_URL: 'https://issuer.example/keys',
      AUTH_ISSUER: 'https://issuer.example/',
      AUTH_AUDIENCE: 'customers',
      RATE_LIMIT: '50',
      METRICS_PORT: '9464',
      ALLOWED_ORIGINS: 'https://app.example, http://localhost:5173',
      WEBHOOKS_ALLOW_LOOPBACK: 'true',
    });
    expect(config).toMatchObject({
      port: 0,
      apiKeyBootstrap: 'sixteen-chars-ok',
      bodyLimit: 1_048_576,
      liveMode: true,
      tokens: {
        jwksUrl: 'https://issuer.example/keys',
        issuer: 'https://issuer.example/',
        audience: 'customers',
      },
      rateLimit: 50,
      metricsPort: 9464,
      allowedOrigins: ['https://app.example', 'http://localhost:5173'],
      webhooksAllowLoopback: true,
    });
    expect(config).toMatchObject({
      sourcesUrl: 'https://sources.example/v1',
      masterKeyFile: '/run/secrets/master.key',
    });
    expect(config.masterKeys?.map(({ id }) => id)).toEqual(['new', 'old']);
    expect(config.masterKeys?.[0]?.key).toEqual(new Uint8Array(Buffer.from(key, 'base64')));
  });

  it('puts the master key into the data folder unless told otherwise', () => {
    expect(readConfig({ DATA_DIR: '/srv/data' }).masterKeyFile).toBe('/srv/data/master.key');
  });

  it('takes an empty setting as not set', () => {
    expect(readConfig({ PORT: '', MASTER_KEYS: ' ', SOURCES_URL: '' })).toEqual(readConfig({}));
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['METRICS_PORT', '65536'],
    ['METRICS_PORT', 'off'],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'null'],
    ['ALLOWED_ORIGINS', 'shop.test'],
    ['ALLOWED_ORIGINS', 'https://app.example/'],
    ['ALLOWED_ORIGINS', 'https://App.example'],
    ['ALLOWED_ORIGINS', 'https://app.example:443'],
    ['ALLOWED_ORIGINS', 'https://a.example,,https://b.example'],
    ['ALLOWED_ORIGINS', 'https://*.example'],
    ['HOST', 'a\u0007b'],
    ['API_KEY_BOOTSTRAP', 'fifteen-chars-x'],
    ['API_KEY_BOOTSTRAP', 'has a space, so it can not be sent'],
    ['MASTER_KEYS', key],
    ['MASTER_KEYS', `a:${randomBytes(31).toString('base64')}`],
    ['MASTER_KEYS', `a:${key},a:${key}`],
    ['MASTER_KEYS', `a:${key},`],
    ['MASTER_KEY_EPOCH_DAYS', 'monthly'],
    ['FORGET_GRACE_DAYS', 'soon'],
    ['FORGET_GRACE_DAYS', '3651'],
    ['SOURCES_URL', 'ftp://sources.example'],
    ['SOURCES_URL', 'sources.example'],
    ['SOURCES_URL', 'https://user:secret@sources.example'],
    ['LIVE_MODE', 'yes'],
    ['LOG_LEVEL', 'loud'],
    ['BODY_LIMIT', '100kb'],
    ['BODY_LIMIT', '1023'],
    ['RATE_LIMIT', '-1'],
    ['RATE_LIMIT', '1.5'],
    ['AUTH_JWKS_URL', 'file:///etc/keys'],
    ['ROLE', 'leader'],
    ['EVENTSTORE_URL', 'http://secret@127.0.0.1:2113'],
    ['EVENTSTORE_URL', 'esdb://'],
    ['EVENTSTORE_PREFIX', 'staging'],
    ['EVENTSTORE_PREFIX', '$sys-'],
    ['EVENTSTORE_PREFIX', 'customer-x-'],
    ['MONGODB_URL', 'postgres://user:secret@db'],
    ['KEYS_MONGODB_URL', 'db.example:27017'],
  ])('refuses a bad %s (case %#) with one line that names it and does not repeat the value', (name, value) => {
    const read = (): unknown => readConfig({ [name]: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(new RegExp(`^${name} [^\\n]+$`));
    expect(read).not.toThrow(value);
  });

  describe('of the stores', () => {
    const MONGODB_URL = 'mongodb://user:secret@views.example/customers';
    const KEYS_MONGODB_URL = 'mongodb://user:secret@keys.example/customers_keys';
    const whole = {
      EVENTSTORE_URL: 'esdb://log.example:2113',
      MONGODB_URL,
      KEYS_MONGODB_URL,
      MASTER_KEYS: `a:${key}`,
      API_KEY_BOOTSTRAP: 'sixteen-chars-ok',
      ROLE: 'worker',
    };

    it('takes each of them alone, and all of them', () => {
      const urls = { eventstoreUrl: whole.EVENTSTORE_URL, mongodbUrl: MONGODB_URL, keysMongodbUrl: KEYS_MONGODB_URL };
      expect(readConfig(whole)).toMatchObject({ ...urls, role: 'worker', masterKeyMustExist: true });
      expect(readConfig({ EVENTSTORE_URL: 'esdb+discover://a,b' }).masterKeyMustExist).toBe(false);
      const { MASTER_KEYS } = whole;
      expect(readConfig({ KEYS_MONGODB_URL, MASTER_KEYS }).mongodbUrl).toBeUndefined();
      expect(readConfig({ ...whole, MASTER_KEYS: '', MASTER_KEY_FILE: '/run/secrets/key' }).masterKeys).toBeUndefined();
    });

    it.each(['KEYS_MONGODB_URL', 'MASTER_KEYS', 'API_KEY_BOOTSTRAP'])('refuses MONGODB_URL without %s', (name) => {
      const read = (): unknown => readConfig({ ...whole, [name]: '' });
      expect(read).toThrow(ConfigError);
      expect(read).toThrow(new RegExp(`^${name} .*must be set beside`));
    });

    it.each([
      [MONGODB_URL, 'mongodb://other:password@views.example/customers?w=majority'],
      ['mongodb://db', 'mongodb://db/customers'],
      ['mongodb://db/x', 'mongodb://DB:27017/x'],
      ['mongodb://a,b:27018/x', 'mongodb://b:27018,a/x'],
    ])('refuses the same database for views and keys, however it is written: %s and %s', (views, keys) => {
      const read = (): unknown => readConfig({ ...whole, MONGODB_URL: views, KEYS_MONGODB_URL: keys });
      expect(read).toThrow(/^KEYS_MONGODB_URL must name another/);
    });

    it('takes two databases of one server, also those of no name', () => {
      const url = 'mongodb://db';
      expect(readConfig({ ...whole, MONGODB_URL: url, KEYS_MONGODB_URL: url })).toMatchObject({ keysMongodbUrl: url });
    });
  });

  const tokens = { AUTH_JWKS_URL: 'https://issuer.example/keys', AUTH_ISSUER: 'issuer', AUTH_AUDIENCE: 'audience' };
  it.each(Object.keys(tokens))('refuses to take tokens without %s, with one line that names it', (missing) => {
    const read = (): unknown => readConfig({ ...tokens, [missing]: '' });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(new RegExp(`^[^\\n]+ go together: ${missing} is not set$`));
  });

  it('is described, setting by setting, in .env.example with its defaults', () => {
    const example = Object.fromEntries(
      readFileSync('.env.example', 'utf8')
        .split('\n')
        .filter((line) => /^[A-Z]/.test(line))
        .map((line) => line.split('=')),
    ) as Record<string, string>;
    expect(Object.keys(example).sort()).toEqual(
      [
        'ALLOWED_ORIGINS',
        'API_KEY_BOOTSTRAP',
        'AUDIT_API_KEY',
        'AUDIT_WITNESS_URL',
        'AUTH_AUDIENCE',
        'AUTH_ISSUER',
        'AUTH_JWKS_URL',
        'BODY_LIMIT',
        'DATA_DIR',
        'EVENTSTORE_PREFIX',
        'EVENTSTORE_URL',
        'FORGET_GRACE_DAYS',
        'HOST',
        'KEYS_MONGODB_URL',
        'LIVE_MODE',
        'LOG_LEVEL',
        'MASTER_KEYS',
        'MASTER_KEY_EPOCH_DAYS',
        'MASTER_KEY_FILE',
        'METRICS_PORT',
        'MONGODB_URL',
        'PORT',
        'RATE_LIMIT',
        'ROLE',
        'SIGNING_KEYS',
        'SOURCES_TOKEN',
        'SOURCES_URL',
        'WEBHOOKS_ALLOW_LOOPBACK',
      ].sort(),
    );
    expect(readConfig(example)).toEqual(readConfig({}));
  });
});
