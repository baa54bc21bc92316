import { relative, resolve } from 'node:path';
import { ensureFirstKey } from './access/first-key.js';
import { openPrivacy, openSourceDirectory, openStores, type Stores } from './adapters.js';
import { packagesPatchedSinceBuild } from './bundled-packages.js';
import { type Config, loadEnvFile, readConfig } from './config.js';
import { KeysElsewhere, verifyKeysOfLog } from './customers/keys-of-log.js';
import { namesOf } from './event-sourcing/error-names.js';
import { AnotherLog, LogMismatch, type StoreName, StoreUnavailable } from './event-sourcing/store-errors.js';
import { SystemClock } from './event-sourcing/clock.js';
import { describeError, ServiceLogger } from './http/service-logger.js';
import { MasterKeyRefused, MasterKeyUnknown, WrappedKeyBroken } from './privacy/master-keys.js';
import type { Service } from './service.js';
import { ConfigError } from './settings.js';
import { RefusedByServer } from './stores/mongodb/operation-errors.js';
import { DataFolderInUse } from './stores/sqlite/data-folder-lock.js';
import { FileUnusable } from './stores/sqlite/unusable-file.js';

const SHUTDOWN_MS = 10_000;

async function main(): Promise<void> {
  loadEnvFile();
  const config = readConfig();
  const logger = new ServiceLogger(config.logLevel);
  const log = (line: string): void => logger.warn(line, 'Stores');
  warnOfPatches(logger);
  const stores = await openStores(config, { exclusive: true, log });
  try {
    await serve(config, stores, logger);
  } catch (error) {
    await stores.close();
    throw error;
  }
}

function warnOfPatches(logger: ServiceLogger): void {
  const patched = packagesPatchedSinceBuild();
  if (patched.length === 0) return;
  const packages = patched.slice(0, 10).join(', ');
  logger.event('warn', 'installed packages differ from the bundled ones in use: run npm run build', { packages });
}

async function serve(config: Config, stores: Stores, logger: ServiceLogger): Promise<void> {
  const clock = new SystemClock();
  const privacy = await openPrivacy(config, stores, clock);
  // Before the first key is made, and before anything follows the log: that writes into the key store, too.
  await verifyKeyStore(config, stores);
  const firstKey = await ensureFirstKey(stores.apiKeys, config.apiKeyBootstrap, clock.now());
  const parts = { config, stores, privacy, directory: openSourceDirectory(config), clock };
  // Takes most of the time of a start, for which a start that is refused has no use.
  const { Service } = await import('./service.js');
  const service = await Service.start(parts, logger);
  try {
    await service.app.listen(config.port, config.host);
  } catch (error) {
    await service.stop();
    throw error;
  }
  stopOnSignal(service, stores, logger);
  console.log(startBlock(config, await service.app.getUrl(), firstKey));
}

function stopOnSignal(service: Service, stores: Stores, logger: ServiceLogger): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
    await service.stop();
    await stores.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop().catch((error: unknown) => {
        logger.event('error', 'the stop failed', { error: describeError(error) });
        process.exit(1);
      });
    });
  }
}

function startBlock(config: Config, url: string, firstKey: string | undefined): string {
  const keyInFolder =
    !config.masterKeys && !relative(resolve(config.dataDir), resolve(config.masterKeyFile)).startsWith('..');
  const { eventstoreUrl, mongodbUrl, keysMongodbUrl, role } = config;
  const servers = [
    ...(eventstoreUrl === undefined ? [] : ['the event log on EventStoreDB']),
    ...(mongodbUrl === undefined ? [] : ['the views on MongoDB']),
    ...(keysMongodbUrl === undefined ? [] : ['the keys on MongoDB']),
  ];
  return [
    'Customers service',
    `  address      ${url}`,
    ...(role === 'worker' ? [] : [`  docs         ${url}/docs`]),
    ...(servers.length === 3 ? [] : [`  data folder  ${resolve(config.dataDir)}`]),
    ...(servers.length === 0 ? [] : [`  servers      ${servers.join(', ')}`]),
    ...(role === 'all' ? [] : [`  role         ${role}`]),
    ...(firstKey === undefined ? [] : [`  API key      ${firstKey}  (all scopes; shown only now)`]),
    ...(keyInFolder ? ['  master key   in the data folder: a copy of it undoes erasures (set MASTER_KEY_FILE)'] : []),
  ].join('\n');
}

/** @throws ConfigError which of the two stores is the wrong one only the operator can know */
async function verifyKeyStore(config: Config, stores: Stores): Promise<void> {
  const { eventStore: store, customerViews: views, subjectKeys } = stores;
  try {
    await verifyKeysOfLog({ store, views, subjectKeys });
  } catch (error) {
    if (!(error instanceof KeysElsewhere)) throw error;
    const keys = config.keysMongodbUrl === undefined ? 'DATA_DIR' : 'KEYS_MONGODB_URL';
    const log = config.eventstoreUrl === undefined ? 'DATA_DIR' : 'EVENTSTORE_URL with EVENTSTORE_PREFIX';
    throw new ConfigError(
      `The key store (${keys}) does not belong to the event log (${log}): it holds no key of the ${error.customers} ` +
        'customers that were looked up. Let both name stores that belong together, or restore the keys from their backup',
    );
  }
}

const SETTING_OF: Record<StoreName, string> = {
  event_log: 'the event log is out of reach (EVENTSTORE_URL, or DATA_DIR)',
  read_model: 'the views are out of reach (MONGODB_URL, or DATA_DIR)',
  api_keys: 'the API keys are out of reach (MONGODB_URL, or DATA_DIR)',
  subject_keys: 'the subject keys are out of reach (KEYS_MONGODB_URL, or DATA_DIR)',
  webhooks: 'the webhooks are out of reach (MONGODB_URL, or DATA_DIR)',
  audit_tree: 'the audit tree is out of reach (MONGODB_URL, or DATA_DIR)',
  receipts: 'the receipts are out of reach (MONGODB_URL, or DATA_DIR)',
  token_keys: 'the keys for tokens are out of reach (AUTH_JWKS_URL)',
  source_directory: 'the sources are out of reach (SOURCES_URL)',
};

/** What an operator can mend has a message of its own; anything else is a fault of ours, told without its message. */
function explain(error: unknown): string {
  const known = [
    AnotherLog,
    ConfigError,
    DataFolderInUse,
    FileUnusable,
    LogMismatch,
    MasterKeyRefused,
    MasterKeyUnknown,
    RefusedByServer,
    WrappedKeyBroken,
  ];
  if (error instanceof Error && known.some((type) => error instanceof type)) return error.message;
  if (error instanceof StoreUnavailable) {
    const kind = error.kind === 'unreachable' ? '' : ` (${error.kind})`;
    const cause = error.cause === undefined ? '' : `: ${namesOf(error.cause)}`;
    return `The start failed: ${SETTING_OF[error.store]}${kind}${cause}`;
  }
  if (error instanceof Error && 'syscall' in error && 'code' in error) {
    const code = String(error.code);
    if (error.syscall === 'listen' || error.syscall === 'getaddrinfo')
      return `HOST and PORT can not be listened on (${code})`;
    if (error.syscall === 'mkdir') return `DATA_DIR can not be made, or is no folder (${code})`;
  }
  return `The start failed: ${JSON.stringify(describeError(error))}`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
