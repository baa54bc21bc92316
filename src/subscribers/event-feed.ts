import { Injectable } from '@nestjs/common';
import { EventStore, type Position, type RecordedEvent } from '../event-sourcing/event-store.js';
import { UnknownEventType } from '../event-sourcing/log-follower.js';
import { type CloudEvent, CloudEvents } from './cloud-event.js';
import { knownPart } from './event-filter.js';
import { cursorGone, LogCursors } from './log-cursors.js';
import { type PageRequest, readPage } from './log-page.js';

export interface FeedPage {
  readonly data: readonly CloudEvent[];
  /** Good as long as the log lives. */
  readonly next: string;
  /** Whether more can be had at once. The data may be empty all the same, where a filter is rare. */
  readonly hasMore: boolean;
}

/** Customer events in the order of the log, a page at a time. Keeps nothing: the same cursor gives the same events again. */
@Injectable()
export class EventFeed {
  constructor(
    private readonly store: EventStore,
    private readonly cursors: LogCursors,
    private readonly cloudEvents: CloudEvents,
  ) {}

  /** @throws ApiError cursor_gone @throws StoreUnavailable, KeyMissing @throws UnknownEventType as its very first event */
  async page(request: PageRequest, { pii }: { readonly pii: boolean }): Promise<FeedPage> {
    const page = await readPage(this.store, request).catch(cannotBeRead);
    try {
      return await this.answer(page.events, page.position, page.hasMore, pii);
    } catch (error) {
      const known = error instanceof UnknownEventType ? knownPart(page.events) : [];
      if (known.length === 0) throw error;
      return await this.answer(known, known.at(-1)?.position, true, pii);
    }
  }

  private async answer(
    events: readonly RecordedEvent[],
    position: Position | undefined,
    hasMore: boolean,
    pii: boolean,
  ): Promise<FeedPage> {
    const data = await this.cloudEvents.envelopes(events, { pii });
    return { data, next: this.cursors.write(position), hasMore };
  }
}

/** What a reader is told of a page that could not be read. @throws ApiError cursor_gone @throws StoreUnavailable */
export function cannotBeRead(error: unknown): never {
  if (error instanceof RangeError) throw cursorGone('after');
  throw error;
}
