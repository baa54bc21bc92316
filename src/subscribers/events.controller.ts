import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '../access/required-access.js';
import { Offers, preferredType } from '../http/media-types.js';
import { FlatQuery, type QueryParameters } from '../http/query-string.js';
import { EventFeed, type FeedPage } from './event-feed.js';
import * as docs from './events.docs.js';
import { BATCH_MEDIA, JSON_MEDIA, STREAM_MEDIA } from './events.docs.js';
import { EventStreams } from './event-streams.js';
import { LogCursors } from './log-cursors.js';
import { readFeedQuery, readStreamQuery } from './read-events-query.js';

/** What happened to customers, for other services. */
@ApiTags('Events')
@ApiBearerAuth()
@Controller('events')
export class EventsController {
  constructor(
    private readonly feed: EventFeed,
    private readonly streams: EventStreams,
    private readonly cursors: LogCursors,
  ) {}

  @Get()
  @RequiresScope('events:read')
  @Offers(JSON_MEDIA, BATCH_MEDIA)
  @docs.ListEvents()
  async list(
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FeedPage | string> {
    const page = await this.feed.page(readFeedQuery(query, this.cursors), { pii: seesPersonal(request) });
    // The batch format is a bare array: what stands beside it goes into headers, for both alike.
    reply.headers({ 'Events-Next': page.next, 'Events-Has-More': String(page.hasMore), 'Cache-Control': 'no-store' });
    if (preferredType(request.headers.accept, [JSON_MEDIA, BATCH_MEDIA]) !== BATCH_MEDIA) return page;
    reply.type(BATCH_MEDIA);
    return JSON.stringify(page.data);
  }

  @Get('stream')
  @RequiresScope('events:read')
  @Offers(STREAM_MEDIA)
  @docs.StreamEvents()
  async stream(
    @FlatQuery() query: QueryParameters,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const lastEventId = request.headers['last-event-id']?.toString();
    const wanted = readStreamQuery(query, lastEventId, this.cursors);
    if (request.method === 'HEAD') {
      await reply.type(STREAM_MEDIA).send();
      return;
    }
    const { authorization } = request.headers;
    await this.streams.begin({ ...wanted, pii: seesPersonal(request), authorization }, reply);
  }
}

const seesPersonal = ({ caller }: FastifyRequest): boolean => caller?.scopes.includes('events:read.pii') ?? false;
