import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type OnApplicationBootstrap, type OnModuleDestroy, Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { COMMON_HEADERS } from '../http/answer-headers.js';
import { ConfigError } from '../settings.js';
import { processMetrics } from './process-metrics.js';

/** What Prometheus reads, in its text format. */
export async function metricsText(registry: Registry): Promise<string> {
  const texts = await Promise.all([registry, processMetrics()].map((each) => each.metrics()));
  return texts.join('\n');
}

/** `/metrics` on a port of its own, for a network that the callers of the API are not in. Nothing else is there. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly server: Server;

  constructor(
    private readonly registry: Registry,
    private readonly place: { readonly port: number; readonly host: string },
  ) {
    this.server = createServer((request, response) => {
      void this.answer(request, response);
    });
  }

  /** The port it listens on: of its own choosing where 0 was asked for. */
  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** @throws ConfigError for a port that can't be listened on */
  async onApplicationBootstrap(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
        reject(new ConfigError(`METRICS_PORT ${String(this.place.port)} can not be listened on (${code})`));
      });
      this.server.listen(this.place, resolve);
    });
  }

  async onModuleDestroy(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const isThere = url.split('?', 1)[0] === '/metrics';
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isThere || !isRead) {
      response.writeHead(isThere ? 405 : 404, { ...COMMON_HEADERS, ...(isThere && { Allow: 'GET, HEAD' }) }).end();
      return;
    }
    try {
      const text = await metricsText(this.registry);
      response.writeHead(200, { ...COMMON_HEADERS, 'Content-Type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text);
    } catch {
      response.writeHead(500, COMMON_HEADERS).end();
    }
  }
}
