import { Controller, Delete, Get, HttpCode, Param, Post, Put, Req } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { RequiresScope } from '../access/required-access.js';
import { CommandContexts } from '../http/command-contexts.js';
import { JsonBody, type JsonObject } from '../http/json-body.js';
import { FlatQuery, type QueryParameters } from '../http/query-string.js';
import { EraseCustomer } from './commands/erase-customer.js';
import { LiftLegalHold, PlaceLegalHold } from './commands/plain-commands.js';
import { readErasure, readLife } from './dto/erasure-request.js';
import { type ErasureResponse, toErasureResponse } from './dto/erasure-response.js';
import { CustomerIdPipe } from './dto/path-pipes.js';
import { readNothing } from './dto/read-changes.js';
import * as docs from './erasure.docs.js';
import { GetErasure } from './queries/get-erasure.js';

/** Forgetting a customer now, what keeps it from being done, and the proof that it was done. */
@ApiTags('Erasure')
@ApiBearerAuth()
@Controller('customers')
export class ErasureController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly contexts: CommandContexts,
  ) {}

  @Post(':id/erasure')
  @HttpCode(200)
  @RequiresScope('customers:erase')
  @docs.EraseCustomer()
  async erase(
    @Param('id', CustomerIdPipe) id: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
  ): Promise<Readonly<ErasureResponse>> {
    const { reasonCode } = readErasure(body);
    await this.commands.execute(new EraseCustomer(id, 'requested', this.contexts.of(request, body), reasonCode));
    return toErasureResponse(await this.queries.execute(new GetErasure(id)));
  }

  @Get(':id/erasure')
  @RequiresScope('customers:read')
  @docs.GetErasure()
  async get(
    @Param('id', CustomerIdPipe) id: string,
    @FlatQuery() query: QueryParameters,
  ): Promise<Readonly<ErasureResponse>> {
    return toErasureResponse(await this.queries.execute(new GetErasure(id, readLife(query))));
  }

  @Put(':id/legal-hold')
  @HttpCode(204)
  @RequiresScope('customers:erase')
  @docs.PlaceLegalHold()
  async placeHold(
    @Param('id', CustomerIdPipe) id: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    readNothing(body);
    await this.commands.execute(new PlaceLegalHold(id, this.contexts.of(request, body)));
  }

  @Delete(':id/legal-hold')
  @HttpCode(204)
  @RequiresScope('customers:erase')
  @docs.LiftLegalHold()
  async liftHold(
    @Param('id', CustomerIdPipe) id: string,
    @JsonBody() body: JsonObject,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    readNothing(body);
    await this.commands.execute(new LiftLegalHold(id, this.contexts.of(request, body)));
  }
}
