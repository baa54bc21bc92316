import { randomUUID } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { apiKeyFor } from '../../src/access/secrets.js';
import { SCOPES } from '../../src/access/scopes.js';
import { openPrivacy, openStores, type Privacy, type Stores } from '../../src/adapters.js';
import { type Config, readConfig } from '../../src/config.js';
import { AcceptAllSourceDirectory } from '../../src/customers/sources/accept-all-source-directory.js';
import type { SourceDirectory } from '../../src/customers/sources/source-directory.js';
import type { Clock } from '../../src/event-sourcing/clock.js';
import { LogFollowers } from '../../src/event-sourcing/log-followers.js';
import { ServiceLogger } from '../../src/http/service-logger.js';
import { Service } from '../../src/service.js';
import { openSqliteStores } from '../../src/stores/sqlite/sqlite-stores.js';
import { Ends } from './ends.js';
import { onServers, Place } from './servers.js';
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
  /** Silent when absent. */
  readonly logger?: ServiceLogger;
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

/**
 * The whole service in this process: on the servers of this run, if it is against some, or that the options name; else on
 * the embedded stores.
 */
export function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const ends = new Ends();
  return ends.orRun(() => start(options, ends));
}

async function start(options: TestAppOptions, ends: Ends): Promise<TestApp> {
  const clock = options.clock ?? new TestClock();
  const masterKeys = [{ id: 'test', key: new Uint8Array(32).fill(7) }];
  const place = await placeFor(options, ends);
  const config = { ...readConfig(place?.env ?? {}), masterKeys, logLevel: 'silent' as const, ...options.config };
  const opened = await openStoresFor(options, config, clock, place !== undefined);
  ends.add(() => opened.close());
  const stores = options.wrap?.(opened) ?? opened;
  const privacy = await openPrivacy(config, stores, clock);
  const secret = `test-${randomUUID()}`;
  await stores.apiKeys.add(apiKeyFor(secret, { name: 'test', scopes: SCOPES }, clock.now()));
  const directory = options.directory ?? new AcceptAllSourceDirectory();
  const logger = options.logger ?? new ServiceLogger('silent');
  const service = await Service.start({ config, stores, privacy, directory, clock }, logger);
  ends.add(() => service.stop());
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
    close: () => ends.run(),
  };
}

/** Of its own, on the servers of this run; none where the options say where the stores are. */
async function placeFor({ dataDir, config = {} }: TestAppOptions, ends: Ends): Promise<Place | undefined> {
  if (!onServers || dataDir !== undefined || namesServers(config)) return undefined;
  const place = await Place.make();
  ends.add(() => place.leave());
  return place;
}

const namesServers = ({ eventstoreUrl, mongodbUrl, keysMongodbUrl }: Partial<Config>): boolean =>
  [eventstoreUrl, mongodbUrl, keysMongodbUrl].some((url) => url !== undefined);

/** What is embedded is in memory where neither a folder nor a server is given. */
function openStoresFor({ dataDir }: TestAppOptions, config: Config, clock: Clock, placed: boolean): Promise<Stores> {
  if (placed || namesServers(config))
    return openStores({ ...config, ...(dataDir !== undefined && { dataDir }) }, { exclusive: placed, clock });
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
