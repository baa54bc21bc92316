import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError, readConfig } from './config.js';

const key = randomBytes(32).toString('base64');

describe('configuration', () => {
  it('has a default for every setting', () => {
    expect(readConfig({})).toEqual({
      port: 3000,
      host: '127.0.0.1',
      dataDir: './data',
      masterKeyFile: 'data/master.key',
      forgetGraceDays: 28,
      liveMode: false,
      logLevel: 'info',
      bodyLimit: 524_288,
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
    });
    expect(config).toMatchObject({
      port: 0,
      apiKeyBootstrap: 'sixteen-chars-ok',
      bodyLimit: 1_048_576,
      liveMode: true,
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
    ['HOST', 'a\u0007b'],
    ['API_KEY_BOOTSTRAP', 'fifteen-chars-x'],
    ['API_KEY_BOOTSTRAP', 'has a space, so it can not be sent'],
    ['MASTER_KEYS', key],
    ['MASTER_KEYS', `a:${randomBytes(31).toString('base64')}`],
    ['MASTER_KEYS', `a:${key},a:${key}`],
    ['MASTER_KEYS', `a:${key},`],
    ['FORGET_GRACE_DAYS', 'soon'],
    ['FORGET_GRACE_DAYS', '3651'],
    ['SOURCES_URL', 'ftp://sources.example'],
    ['SOURCES_URL', 'sources.example'],
    ['SOURCES_URL', 'https://user:secret@sources.example'],
    ['LIVE_MODE', 'yes'],
    ['LOG_LEVEL', 'loud'],
    ['BODY_LIMIT', '100kb'],
    ['BODY_LIMIT', '1023'],
  ])('refuses a bad %s (case %#) with one line that names it and does not repeat the value', (name, value) => {
    const read = (): unknown => readConfig({ [name]: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(new RegExp(`^${name} [^\\n]+$`));
    expect(read).not.toThrow(value);
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
        'API_KEY_BOOTSTRAP',
        'BODY_LIMIT',
        'DATA_DIR',
        'FORGET_GRACE_DAYS',
        'HOST',
        'LIVE_MODE',
        'LOG_LEVEL',
        'MASTER_KEYS',
        'MASTER_KEY_FILE',
        'PORT',
        'SOURCES_TOKEN',
        'SOURCES_URL',
      ].sort(),
    );
    expect(readConfig(example)).toEqual(readConfig({}));
  });
});
