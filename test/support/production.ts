import { randomUUID } from 'node:crypto';
import { SystemClock } from '../../src/event-sourcing/clock.js';
import type { Config } from '../../src/config.js';
import { EventStoreDbServer } from './eventstoredb-server/server.js';
import { dropDatabase } from './mongodb-databases.js';
import { mongoDbServer, type ServerOptions } from './mongodb-server.js';
import { hostIn, inDatabase, parsed, throughProxy } from './mongodb-url.js';
import { oneCommandAtATime } from './one-command-at-a-time.js';
import { TcpProxy } from './tcp-proxy.js';
import { startTestApp, type TestApp, type TestAppOptions } from './test-app.js';

/** The production profile in one process: its three stores behind wires that can fail, and instances on them. */
export class Production {
  private readonly instances: TestApp[] = [];

  private constructor(
    readonly log: EventStoreDbServer,
    readonly views: TcpProxy,
    readonly keys: TcpProxy,
    private readonly config: Partial<Config>,
    private readonly stopServers: () => Promise<void>,
  ) {}

  static async start(options: ServerOptions = {}): Promise<Production> {
    const mongo = await mongoDbServer(options);
    if (mongo === undefined) throw new Error('There is no server that speaks the protocol of MongoDB');
    const log = await EventStoreDbServer.start();
    const ends: (() => void | Promise<void>)[] = [];
    let { url } = mongo;
    if (!mongo.features.changesInOneStep) {
      // As it is, it writes an older view over a newer one when two write at once.
      const wire = await oneCommandAtATime(url);
      ({ url } = wire);
      ends.push(() => wire.close());
    }
    const [views, keys] = [await proxyTo(url), await proxyTo(url)];
    const run = randomUUID();
    const through = (proxy: TcpProxy, database: string): string => {
      // A server that MONGODB_URL names goes on.
      ends.push(() => dropDatabase(url, `${database}_${run}`));
      return inDatabase(throughProxy(url, proxy.address), `${database}_${run}`);
    };
    const config = {
      eventstoreUrl: log.url,
      mongodbUrl: through(views, 'customers'),
      keysMongodbUrl: through(keys, 'customers_keys'),
    };
    return new Production(log, views, keys, config, async () => {
      await Promise.all([log.stop(), views.close(), keys.close()]);
      for (const end of ends.reverse()) await end();
      await mongo.stop();
    });
  }

  /** The settings of an instance, as the environment of a process. */
  get env(): Readonly<Record<string, string>> {
    const { eventstoreUrl = '', mongodbUrl = '', keysMongodbUrl = '' } = this.config;
    return {
      EVENTSTORE_URL: eventstoreUrl,
      MONGODB_URL: mongodbUrl,
      KEYS_MONGODB_URL: keysMongodbUrl,
      MASTER_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    };
  }

  /** Stopped by {@link stop}, if it was not before. */
  async instance(options: TestAppOptions = {}): Promise<TestApp> {
    const app = await startTestApp({
      clock: new SystemClock(),
      ...options,
      config: { ...this.config, ...options.config },
    });
    this.instances.push(app);
    return app;
  }

  /** Every wire works again. */
  async heal(): Promise<void> {
    this.log.faults.lift();
    this.log.wire.thaw();
    for (const proxy of [this.views, this.keys]) {
      await proxy.accept();
      proxy.heal();
    }
  }

  async stop(): Promise<void> {
    await this.heal();
    await Promise.all(this.instances.map((app) => app.close()));
    await this.stopServers();
  }
}

function proxyTo(url: string): Promise<TcpProxy> {
  const { host, port } = hostIn(parsed(url).hosts[0] ?? '');
  return TcpProxy.to(host, port);
}
