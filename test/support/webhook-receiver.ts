import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudEvent } from '../../src/subscribers/cloud-event.js';

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly event: CloudEvent;
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What was answered; 0 while nothing was. */
  status: number;
}

export type Reaction =
  number | 'hang' | 'break' | { readonly status: number; readonly headers: Record<string, string> };

/** An endpoint of webhooks, well behaved unless told otherwise; keeps all it got, in order. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  /** What it does with a delivery; may take its time. */
  react: (received: Received) => Reaction | Promise<Reaction> = () => 204;
  /** After how many milliseconds a new connection is cut, whatever is on its way; never when undefined. */
  cutAfter: () => number | undefined = () => undefined;
  private readonly waiters: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<WebhookReceiver> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new WebhookReceiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('connection', (socket) => {
      const ms = receiver.cutAfter();
      if (ms !== undefined) setTimeout(() => socket.destroy(), ms).unref();
    });
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        void receiver.take(request.url ?? '/', request.headers, body, response);
      });
    });
    return receiver;
  }

  /** Acknowledged ones of this path, in the order they came. */
  acknowledged(path?: string): readonly Received[] {
    return this.received.filter(
      (one) => (path === undefined || one.path === path) && one.status >= 200 && one.status < 300,
    );
  }

  /** Resolves once it holds; looked at with each delivery. */
  async until(holds: () => boolean, ms = 20_000): Promise<void> {
    const giveUpAt = performance.now() + ms;
    while (!holds()) {
      if (performance.now() > giveUpAt) throw new Error(`Not within ${ms} ms; ${this.received.length} deliveries came`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        this.waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async take(
    path: string,
    headers: IncomingHttpHeaders,
    body: string,
    response: ServerResponse,
  ): Promise<void> {
    const event = JSON.parse(body) as CloudEvent;
    const received: Received = {
      path,
      headers: headers as Record<string, string>,
      body,
      event,
      sequence: Number(event.sequence),
      at: Date.now(),
      status: 0,
    };
    this.received.push(received);
    const reaction = await this.react(received);
    if (reaction === 'break') response.destroy();
    else if (reaction !== 'hang' && !response.destroyed) {
      const { status, headers: sent } = typeof reaction === 'number' ? { status: reaction, headers: {} } : reaction;
      received.status = status;
      response.writeHead(status, sent).end();
    }
    for (const wake of this.waiters.splice(0)) wake();
  }
}
