import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '../access/required-access.js';
import { CONFIG, type Config } from '../config.js';
import { CommandContexts } from '../http/command-contexts.js';
import { etagOf } from '../http/entity-tags.js';
import { JsonBody, type JsonObject } from '../http/json-body.js';
import { FlatQuery, type QueryParameters } from '../http/query-string.js';
import { AttachSource } from './commands/attach-source.js';
import { CreateCustomer } from './commands/create-customer.js';
import { ForgetCustomer } from './commands/forget-customer.js';
import { DeleteCustomer, DetachSource, UpdateCustomer } from './commands/plain-commands.js';
import * as docs from './customers.docs.js';
import {
  type CustomerPageResponse,
  type CustomerResponse,
  type SourceResponse,
  toCustomerResponse,
  toPageResponse,
  toSourceResponse,
} from './dto/customer-response.js';
import { CustomerIdPipe, SourceIdPipe } from './dto/path-pipes.js';
import { readCreate, readNothing, readUpdate } from './dto/read-changes.js';
import { readListQuery } from './dto/read-list-query.js';
import { GetCustomer } from './queries/get-customer.js';
import type { OpenedCustomer } from './read-model/opened-customer.js';

/** The operations of the contract, section 2: each reads the request, asks one bus, and puts the answer into shape. */
@ApiTags('Customers')
@ApiBearerAuth()
@Controller('customers')
export class CustomersController {
  private readonly liveMode: boolean;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly contexts: CommandContexts,
    @Inject(CONFIG) config: Config,
  ) {
    this.liveMode = config.liveMode;
  }

  @Get()
  @RequiresScope('customers:read')
  @docs.ListCustomers()
  async list(@FlatQuery() query: QueryParameters): Promise<Readonly<CustomerPageResponse>> {
    return toPageResponse(await this.queries.execute(readListQuery(query)), this.liveMode);
  }

  @Post()
  @HttpCode(201)
  @RequiresScope('customers:write')
  @docs.CreateCustomer()
  async create(
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readonly<CustomerResponse>> {
    const { id, changes } = readCreate(body);
    const created = await this.commands.execute(new CreateCustomer(id, changes, this.contexts.of(request, body)));
    reply.header('Location', `/customers/${created.view.id}`);
    return this.answer(created, reply);
  }

  @Get(':id')
  @RequiresScope('customers:read')
  @docs.GetCustomer()
  async get(
    @Param('id', CustomerIdPipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readonly<CustomerResponse>> {
    return this.answer(await this.queries.execute(new GetCustomer(id)), reply);
  }

  @Post(':id')
  @HttpCode(200)
  @RequiresScope('customers:write')
  @docs.UpdateCustomer()
  async update(
    @Param('id', CustomerIdPipe) id: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readonly<CustomerResponse>> {
    const changes = readUpdate(id, body);
    const context = this.contexts.of(request, body);
    const Command = changes.requestToBeForgotten === true ? ForgetCustomer : UpdateCustomer;
    return this.answer(await this.commands.execute(new Command(id, changes, context)), reply);
  }

  @Delete(':id')
  @HttpCode(204)
  @RequiresScope('customers:write')
  @docs.DeleteCustomer()
  async delete(
    @Param('id', CustomerIdPipe) id: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    readNothing(body);
    await this.commands.execute(new DeleteCustomer(id, this.contexts.of(request, body)));
  }

  @Post(':id/sources/:sourceId')
  @HttpCode(200)
  @RequiresScope('customers:write')
  @docs.AttachSource()
  async attachSource(
    @Param('id', CustomerIdPipe) id: string,
    @Param('sourceId', SourceIdPipe) sourceId: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
  ): Promise<Readonly<SourceResponse>> {
    readNothing(body);
    const context = this.contexts.of(request, body);
    return toSourceResponse(id, await this.commands.execute(new AttachSource(id, sourceId, context)));
  }

  @Delete(':id/sources/:sourceId')
  @HttpCode(204)
  @RequiresScope('customers:write')
  @docs.DetachSource()
  async detachSource(
    @Param('id', CustomerIdPipe) id: string,
    @Param('sourceId', SourceIdPipe) sourceId: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    readNothing(body);
    await this.commands.execute(new DetachSource(id, sourceId, this.contexts.of(request, body)));
  }

  private answer(opened: OpenedCustomer, reply: FastifyReply): Readonly<CustomerResponse> {
    reply.header('ETag', etagOf(opened.view.version));
    return toCustomerResponse(opened, this.liveMode);
  }
}
