import { Controller, Delete, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '../../access/required-access.js';
import { readNothing } from '../../customers/dto/read-changes.js';
import { Clock } from '../../event-sourcing/clock.js';
import { JsonBody, type JsonObject } from '../../http/json-body.js';
import { FlatQuery, type QueryParameters } from '../../http/query-string.js';
import {
  readDeliveriesQuery,
  readNewWebhook,
  readReplay,
  readWebhookChanges,
  type ReplayWish,
} from './dto/read-webhook-requests.js';
import {
  type DeliveryPageResponse,
  toDeliveryResponse,
  toTestResponse,
  toWebhookResponse,
  type WebhookListResponse,
  type WebhookResponse,
  type WebhookTestResponse,
} from './dto/webhook-responses.js';
import { LogCursors } from '../log-cursors.js';
import { WebhookRegistry } from './webhook-registry.js';
import { TestDelivery } from './test-delivery.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import { Webhooks } from './webhooks.js';
import * as docs from './webhooks.docs.js';

/** Who is told of events, where, and how far that has come. */
@ApiTags('Webhooks')
@ApiBearerAuth()
@Controller('webhooks')
export class WebhooksController {
  constructor(
    private readonly registry: WebhookRegistry,
    private readonly webhooks: Webhooks,
    private readonly tests: TestDelivery,
    private readonly cursors: LogCursors,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequiresScope('webhooks:read')
  @docs.ListWebhooks()
  async listWebhooks(): Promise<Readonly<WebhookListResponse>> {
    const endpoints = await this.registry.list();
    return { data: endpoints.map((endpoint) => this.shown(endpoint)) };
  }

  @Post()
  @HttpCode(201)
  @RequiresScope('webhooks:write')
  @docs.CreateWebhook()
  async createWebhook(
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readonly<WebhookResponse>> {
    const created = await this.registry.create(readNewWebhook(body), maySeePersonalValues(request));
    reply.header('Location', `/webhooks/${created.endpoint.id}`);
    return toWebhookResponse(created, this.clock.now());
  }

  @Get(':id')
  @RequiresScope('webhooks:read')
  @docs.GetWebhook()
  async getWebhook(@Param('id') id: string): Promise<Readonly<WebhookResponse>> {
    return this.shown(await this.registry.get(id));
  }

  @Patch(':id')
  @RequiresScope('webhooks:write')
  @docs.UpdateWebhook()
  async updateWebhook(
    @Param('id') id: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
  ): Promise<Readonly<WebhookResponse>> {
    const changes = readWebhookChanges(id, body);
    return toWebhookResponse(await this.registry.change(id, changes, maySeePersonalValues(request)), this.clock.now());
  }

  @Delete(':id')
  @HttpCode(204)
  @RequiresScope('webhooks:write')
  @docs.DeleteWebhook()
  async deleteWebhook(@Param('id') id: string, @JsonBody() body: JsonObject): Promise<void> {
    readNothing(body);
    await this.registry.remove(id);
  }

  @Get(':id/deliveries')
  @RequiresScope('webhooks:read')
  @docs.ListDeliveries()
  async listDeliveries(
    @Param('id') id: string,
    @FlatQuery() query: QueryParameters,
  ): Promise<Readonly<DeliveryPageResponse>> {
    const page = readDeliveriesQuery(query);
    await this.registry.get(id);
    const lanes = await this.webhooks.lanes(id, { ...page, limit: page.limit + 1 });
    return { hasMore: lanes.length > page.limit, data: lanes.slice(0, page.limit).map(toDeliveryResponse) };
  }

  @Post(':id/replay')
  @HttpCode(202)
  @RequiresScope('webhooks:write')
  @docs.ReplayWebhook()
  async replayWebhook(@Param('id') id: string, @JsonBody() body: JsonObject): Promise<Readonly<WebhookResponse>> {
    return this.shown(await this.replay(id, readReplay(body)));
  }

  @Post(':id/test')
  @HttpCode(200)
  @RequiresScope('webhooks:write')
  @docs.TestWebhook()
  async testWebhook(@Param('id') id: string, @JsonBody() body: JsonObject): Promise<Readonly<WebhookTestResponse>> {
    readNothing(body);
    return toTestResponse(await this.tests.send(await this.registry.get(id)));
  }

  private async replay(id: string, wish: ReplayWish): Promise<WebhookEndpoint> {
    if (wish === 'parked') return this.registry.replayParked(id);
    if ('since' in wish) return this.registry.replay(id, wish);
    const after = this.cursors.read(wish.after, 'after');
    return this.registry.replay(id, after === undefined ? {} : { after });
  }

  private shown(endpoint: WebhookEndpoint): Readonly<WebhookResponse> {
    return toWebhookResponse({ endpoint }, this.clock.now());
  }
}

const maySeePersonalValues = ({ caller }: FastifyRequest): boolean =>
  caller?.scopes.includes('events:read.pii') ?? false;
