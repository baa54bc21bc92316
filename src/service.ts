import type { Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule, type Parts } from './app.module.js';
import { CheckpointRounds } from './audit/checkpoint-rounds.js';
import { DueErasures } from './customers/commands/due-erasures.js';
import { LogFollowers } from './event-sourcing/log-followers.js';
import { configureApp, createHttpAdapter } from './http/configure-app.js';
import { patiently, START_PATIENCE_MS } from './event-sourcing/patience.js';
import { describeError, type ServiceLogger } from './http/service-logger.js';
import { ErasuresAtStart } from './privacy/erasures-at-start.js';
import { ReceiptIssuer } from './privacy/receipt-issuer.js';
import { WebhookDispatcher } from './subscribers/webhooks/dispatcher.js';

/** The service on opened stores: followers caught up, ready to listen. Main and the tests start the same thing. */
export class Service {
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly app: NestFastifyApplication,
    private readonly followers: LogFollowers,
    readonly dueErasures: DueErasures,
    private readonly dispatcher: WebhookDispatcher,
    private readonly auditRounds: CheckpointRounds,
    private readonly receipts: ReceiptIssuer,
  ) {
    this.app.getHttpServer().on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /**
   * Resolves once what the log says is in the views and every erasure in it is finished.
   * @throws LogMismatch the log is not the one that was followed before
   * @throws StoreUnavailable the log was out of reach for longer than a start waits
   */
  static async start(parts: Parts, logger: ServiceLogger): Promise<Service> {
    await reachLog(parts, logger);
    const adapter = createHttpAdapter(parts.config);
    const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(parts), adapter, {
      logger,
      abortOnError: false,
      bodyParser: false,
    });
    configureApp(app, logger, parts.config);
    await app.init();
    const service = new Service(
      app,
      app.get(LogFollowers),
      app.get(DueErasures),
      app.get(WebhookDispatcher),
      app.get(CheckpointRounds),
      app.get(ReceiptIssuer),
    );
    try {
      await service.followers.start();
      const run = app.get(ErasuresAtStart).end();
      if (Object.keys(run).length > 0) logger.event('warn', 'erasures were run again before the first request', run);
      await service.dueErasures.run();
      service.dispatcher.start();
      service.auditRounds.start();
      service.receipts.start();
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  /** Requests in flight are finished first. Leaves the stores open. */
  async stop(): Promise<void> {
    const server = this.app.getHttpServer();
    // Closing looks for idle connections once: one that is idle only after its last answer would be waited for, and so
    // would one on which nothing was ever asked.
    const hurry = setInterval(() => {
      server.closeIdleConnections();
      for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy();
    }, 50);
    await this.app.close().finally(() => {
      clearInterval(hurry);
    });
    await this.dispatcher.stop();
    await this.receipts.stop();
    await this.followers.stop();
    await this.auditRounds.stop();
  }
}

/** First of all: much of what is made at a start asks for the name of the log. */
function reachLog({ stores: { eventStore } }: Parts, logger: ServiceLogger): Promise<string> {
  const onFailure = (error: unknown): void => {
    logger.event('warn', 'the start waits for the event log', { error: describeError(error) });
  };
  return patiently(() => eventStore.logId(), { ms: START_PATIENCE_MS, onFailure });
}
