import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ensureFirstKey } from '../src/access/first-key.js';
import { openPrivacy, openSourceDirectory, openStores } from '../src/adapters.js';
import { readConfig } from '../src/config.js';
import { SystemClock } from '../src/event-sourcing/clock.js';
import type { EventStore, SubscriptionMessage } from '../src/event-sourcing/event-store.js';
import { ServiceLogger } from '../src/http/service-logger.js';
import { Service } from '../src/service.js';
import { serve } from './child.js';
import { MemoryWatch } from './memory-watch.js';
import { KEY } from './server.js';

/** The service in this process, or a bare server that opens as many responses and does nothing: looked at from inside. */
export type StreamServerTask =
  | { readonly kind: 'service'; readonly dataDir: string }
  | { readonly kind: 'bare' }
  | { readonly kind: 'look' }
  | { readonly kind: 'close' };

/** Of this process; memory in MB. */
export interface Inside {
  /** Once it serves. */
  readonly url: string;
  /** The most resident memory since the last look. */
  readonly most: number;
  /** Resident after a full collection of garbage, and what of it is living JavaScript. */
  readonly resident: number;
  readonly heap: number;
  /** Of the log, open now. */
  readonly subscriptions: number;
}

interface Running {
  readonly url: string;
  readonly subscriptions: () => number;
  readonly close: () => Promise<void>;
}

const MB = 1024 * 1024;
const SETTLE_MS = 500;

let running: Running | undefined;
let watch = new MemoryWatch();

async function work(task: StreamServerTask): Promise<Inside> {
  switch (task.kind) {
    case 'service':
      running = await startService(task.dataDir);
      return look(running);
    case 'bare':
      running = await startBare();
      return look(running);
    case 'look':
      return look(running);
    case 'close':
      return look(running).finally(() => running?.close());
    default:
      return task satisfies never;
  }
}

async function look(server: Running | undefined): Promise<Inside> {
  if (server === undefined) throw new Error('Nothing is started');
  const { firstHalf, secondHalf } = watch.end();
  collectGarbage();
  await delay(SETTLE_MS);
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  watch = new MemoryWatch();
  return {
    url: server.url,
    most: Math.max(firstHalf, secondHalf),
    resident: rss / MB,
    heap: heapUsed / MB,
    subscriptions: server.subscriptions(),
  };
}

/** As `main.ts` starts it, but for the log, which counts who follows it. */
async function startService(dataDir: string): Promise<Running> {
  const config = readConfig({ DATA_DIR: dataDir, API_KEY_BOOTSTRAP: KEY });
  const clock = new SystemClock();
  const stores = await openStores(config, { exclusive: true });
  const subscriptions = countSubscriptions(stores.eventStore);
  const privacy = await openPrivacy(config, stores, clock);
  await ensureFirstKey(stores.apiKeys, config.apiKeyBootstrap, clock.now());
  const parts = { config, stores, privacy, directory: openSourceDirectory(config), clock };
  const service = await Service.start(parts, new ServiceLogger('silent'));
  await service.app.listen(0, '127.0.0.1');
  const close = async (): Promise<void> => {
    await service.stop();
    await stores.close();
  };
  return { url: await service.app.getUrl(), subscriptions, close };
}

function countSubscriptions(log: EventStore): () => number {
  let open = 0;
  const subscribe = log.subscribe.bind(log);
  log.subscribe = (options) => ({
    [Symbol.asyncIterator]: () => {
      const messages = subscribe(options)[Symbol.asyncIterator]();
      let ended = false;
      open += 1;
      const end = (): void => {
        if (!ended) open -= 1;
        ended = true;
      };
      const settle = async (result: Promise<IteratorResult<SubscriptionMessage>>) => {
        const message = await result.catch((error: unknown) => {
          end();
          throw error;
        });
        if (message.done === true) end();
        return message;
      };
      return {
        next: () => settle(messages.next()),
        return: () => settle(messages.return?.() ?? Promise.resolve({ done: true, value: undefined })),
      };
    },
  });
  return () => open;
}

/** What a connection costs whoever holds it. */
async function startBare(): Promise<Running> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8').write(':\n\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Of a server that listens on a port.
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, subscriptions: () => 0, close };
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') Reflect.apply(collect, undefined, []);
}

serve(work);
