import { randomUUID } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { apiKeyFor } from '../../src/access/secrets.js';
import { SCOPES } from '../../src/access/scopes.js';
import { openPrivacy, openStores, type Privacy, type Stores } from '../../src/app.module.js';
import { type Config, readConfig } from '../../src/config.js';
import { AcceptAllSourceDirectory } from '../../src/customers/sources/accept-all-source-directory.js';
import type { SourceDirectory } from '../../src/customers/sources/source-directory.js';
import type { Clock } from '../../src/event-sourcing/clock.js';
import { LogFollowers } from '../../src/event-sourcing/log-followers.js';
import { ServiceLogger } from '../../src/http/service-logger.js';
import { Service } from '../../src/service.js';
import { openSqliteStores } from '../../src/stores/sqlite/sqlite-stores.js';
import { TestClock } from './test-clock.js';

export { TestClock };

export interface TestAppOptions {
  readonly config?: Partial<Config>;
  /** On disk in this folder; in memory without it. */
  readonly dataDir?: string;
  /** Puts something round the ports, to watch them or to make them fail. */
  readonly wrap?: (stores: Stores) => Stores;
  readonly directory?: SourceDirectory;
  readonly clock?: Clock;
}

export interface TestRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string or bytes as they are. */
  readonly body?: unknown;
}

export interface TestApp {
  readonly service: Service;
  readonly stores: Stores;
  readonly privacy: Privacy;
  readonly clock: Clock;
  /** Of a key with all scopes. */
  readonly secret: string;
  /** Through Fastify, without a socket; with the key unless `authorization` is given. */
  request(request: TestRequest): Promise<LightMyRequestResponse>;
  /** Opens a socket. @returns the address */
  listen(): Promise<string>;
  /** Resolves once the projector, the erasures and the sources' follower have passed what is in the log now. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** The whole service in this process, on the embedded stores. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const clock = options.clock ?? new TestClock();
  const masterKeys = [{ id: 'test', key: new Uint8Array(32).fill(7) }];
  const config = { ...readConfig({}), masterKeys, logLevel: 'silent' as const, ...options.config };
  const opened = await openStoresFor(options, config, clock);
  const stores = options.wrap?.(opened) ?? opened;
  const privacy = await openPrivacy(config, stores, clock);
  const secret = `test-${randomUUID()}`;
  await stores.apiKeys.add(apiKeyFor(secret, { name: 'test', scopes: SCOPES }, clock.now()));
  const directory = options.directory ?? new AcceptAllSourceDirectory();
  const service = await Service.start({ config, stores, privacy, directory, clock }, new ServiceLogger('silent'));
  await service.app.getHttpAdapter().getInstance().ready();
  return {
    service,
    stores,
    privacy,
    clock,
    secret,
    request: (request) => inject(service, secret, request),
    listen: async () => {
      await service.app.listen(0, '127.0.0.1');
      return service.app.getUrl();
    },
    settled: () => service.app.get(LogFollowers).settled(),
    close: async () => {
      await service.stop();
      await opened.close();
    },
  };
}

/** On servers when the configuration names one; what is embedded is in memory unless a folder is given. */
function openStoresFor({ dataDir }: TestAppOptions, config: Config, clock: Clock): Promise<Stores> {
  const { eventstoreUrl, mongodbUrl, keysMongodbUrl } = config;
  const servers = [eventstoreUrl, mongodbUrl, keysMongodbUrl].some((url) => url !== undefined);
  if (servers) return openStores({ ...config, ...(dataDir !== undefined && { dataDir }) }, { exclusive: false, clock });
  return openSqliteStores(dataDir === undefined ? { memory: true, clock } : { dataDir, clock });
}

function inject(
  service: Service,
  secret: string,
  { method, url, headers, body }: TestRequest,
): Promise<LightMyRequestResponse> {
  const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
  return service.app.inject({
    method: method as 'GET',
    url,
    headers: {
      authorization: `Bearer ${secret}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { payload: json ? JSON.stringify(body) : body }),
  });
}
