import { Controller, Get, HttpCode, Module, Param, Post, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { ApiKeys, type StoredApiKey } from '../src/access/api-keys.js';
import { RequiresScope } from '../src/access/required-access.js';
import { SCOPES } from '../src/access/scopes.js';
import { apiKeyFor } from '../src/access/secrets.js';
import { CONFIG, readConfig } from '../src/config.js';
import type { CustomerPageResponse, CustomerResponse } from '../src/customers/dto/customer-response.js';
import { CustomerIdPipe } from '../src/customers/dto/path-pipes.js';
import { readCreate, readUpdate } from '../src/customers/dto/read-changes.js';
import { readListQuery } from '../src/customers/dto/read-list-query.js';
import { Clock, SystemClock } from '../src/event-sourcing/clock.js';
import { configureApp, createHttpAdapter } from '../src/http/configure-app.js';
import { HttpModule } from '../src/http/http.module.js';
import { JsonBody, type JsonObject } from '../src/http/json-body.js';
import { FlatQuery, type QueryParameters } from '../src/http/query-string.js';
import { ServiceLogger } from '../src/http/service-logger.js';
import { ServiceSecrets } from '../src/privacy/service-secrets.js';
import { FloorEventsController } from './floor-events.js';
import { bodyOf, idOf } from './population.js';
import { REDACTED_KEY, REDACTED_SCOPES } from './server.js';

const ID = idOf({ prefix: 'c' }, 1);
const CUSTOMER: CustomerResponse = {
  id: ID,
  ...bodyOf(1),
  enabled: true,
  requestToBeForgotten: false,
  taxCertificates: [],
  sources: [],
  createdTime: '2026-01-01T00:00:00.000Z',
  updatedTime: '2026-01-01T00:00:00.000Z',
  liveMode: false,
};
const NO_SECRET = new Uint8Array(32);
const PAGE = Array.from({ length: 100 }, () => CUSTOMER);

/**
 * What the service would cost if it did nothing: framework, hooks, log line, guards, checks and headers are its own, the
 * answer is always the same. It is serialised for each request, as the framework does with any answer.
 */
@Controller('customers')
class FloorController {
  @Get()
  @RequiresScope('customers:read')
  list(@FlatQuery() query: QueryParameters): CustomerPageResponse {
    const { limit, filter } = readListQuery(query);
    return { hasMore: true, data: PAGE.slice(0, filter.email === undefined ? limit : 1) };
  }

  @Post()
  @HttpCode(201)
  @RequiresScope('customers:write')
  create(@JsonBody() body: JsonObject, @Res({ passthrough: true }) reply: FastifyReply): CustomerResponse {
    readCreate(body);
    reply.header('Location', `/customers/${ID}`);
    return answer(reply);
  }

  @Get(':id')
  @RequiresScope('customers:read')
  get(@Param('id', CustomerIdPipe) _id: string, @Res({ passthrough: true }) reply: FastifyReply): CustomerResponse {
    return answer(reply);
  }

  @Post(':id')
  @HttpCode(200)
  @RequiresScope('customers:write')
  update(
    @Param('id', CustomerIdPipe) id: string,
    @JsonBody() body: JsonObject,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): CustomerResponse {
    readUpdate(id, body);
    return answer(reply);
  }
}

function answer(reply: FastifyReply): CustomerResponse {
  reply.header('ETag', '"0"');
  return CUSTOMER;
}

/** In memory. */
class ConstantApiKeys extends ApiKeys {
  constructor(private readonly keys: readonly StoredApiKey[]) {
    super();
  }
  override async findByHash(secretHash: string): Promise<StoredApiKey | undefined> {
    return this.keys.find((key) => secretHash === key.secretHash);
  }
  override async list(): Promise<readonly StoredApiKey[]> {
    return this.keys;
  }
  override async add(): Promise<void> {
    throw new Error('The floor has the keys it has');
  }
  override async addFirst(): Promise<boolean> {
    return false;
  }
  override async revoke(): Promise<boolean> {
    return false;
  }
  override async health(): Promise<void> {}
}

@Module({})
class PortsModule {}

@Module({ imports: [HttpModule], controllers: [FloorController, FloorEventsController] })
class FloorModule {}

async function main(): Promise<void> {
  const config = readConfig();
  const logger = new ServiceLogger(config.logLevel);
  const keys = [
    apiKeyFor(config.apiKeyBootstrap ?? '', { name: 'floor', scopes: SCOPES }, Date.now()),
    apiKeyFor(REDACTED_KEY, { name: 'redacted', scopes: REDACTED_SCOPES }, Date.now()),
  ];
  const ports = [
    { provide: CONFIG, useValue: config },
    { provide: ApiKeys, useValue: new ConstantApiKeys(keys) },
    { provide: Clock, useClass: SystemClock },
    { provide: ServiceSecrets, useValue: new ServiceSecrets(NO_SECRET, NO_SECRET, NO_SECRET, NO_SECRET) },
  ];
  const app = await NestFactory.create<NestFastifyApplication>(
    { module: FloorModule, imports: [{ module: PortsModule, global: true, providers: ports, exports: ports }] },
    createHttpAdapter(config),
    { logger, abortOnError: false, bodyParser: false },
  );
  configureApp(app, logger);
  await app.listen(config.port, config.host);
}

await main();
