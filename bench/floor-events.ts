import { readFileSync } from 'node:fs';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '../src/access/required-access.js';
import type { Position } from '../src/event-sourcing/event-store.js';
import { FlatQuery, type QueryParameters } from '../src/http/query-string.js';
import type { FeedPage } from '../src/subscribers/event-feed.js';
import { LogCursors } from '../src/subscribers/log-cursors.js';
import { readFeedQuery } from '../src/subscribers/read-events-query.js';

/** A page that the service has answered, left in the floor's folder for it. */
export const pageFile = (personal: boolean): string => (personal ? 'feed-personal.json' : 'feed-redacted.json');

/** A feed without end and without log: the service's own page again and again, serialised for each request. */
@Controller('events')
export class FloorEventsController {
  private readonly cursors = new LogCursors('floor', { comparePositions: () => 0 });
  private readonly pages = new Map<boolean, FeedPage>();

  @Get()
  @RequiresScope('events:read')
  list(
    @FlatQuery() query: QueryParameters,
    @Req() { caller }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): FeedPage {
    const { limit } = readFeedQuery(query, this.cursors);
    const { data } = this.page(caller?.scopes.includes('events:read.pii') ?? false);
    const next = this.cursors.write('1' as Position);
    reply.headers({ 'Events-Next': next, 'Events-Has-More': 'true', 'Cache-Control': 'no-store' });
    return { data: data.length > limit ? data.slice(0, limit) : data, next, hasMore: true };
  }

  private page(personal: boolean): FeedPage {
    const standing = this.pages.get(personal);
    if (standing !== undefined) return standing;
    // Written by this program.
    const page = JSON.parse(readFileSync(pageFile(personal), 'utf8')) as FeedPage;
    this.pages.set(personal, page);
    return page;
  }
}
