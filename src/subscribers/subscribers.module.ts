import { Module } from '@nestjs/common';
import { EventStore } from '../event-sourcing/event-store.js';
import { HttpModule } from '../http/http.module.js';
import { KeyRing } from '../privacy/key-ring.js';
import { CloudEvents, sourceOf } from './cloud-event.js';
import { EventFeed } from './event-feed.js';
import { EventsController } from './events.controller.js';
import { LogCursors } from './log-cursors.js';

const cursors = {
  provide: LogCursors,
  inject: [EventStore],
  useFactory: async (store: EventStore) => new LogCursors(await store.logId(), store),
};
const cloudEvents = {
  provide: CloudEvents,
  inject: [EventStore, KeyRing],
  useFactory: async (store: EventStore, keys: KeyRing) => new CloudEvents(keys, sourceOf(await store.logId())),
};

/** Customer events in the form other services get them, and the cursors into the log. */
@Module({ providers: [cursors, cloudEvents], exports: [LogCursors, CloudEvents] })
export class SubscribersModule {}

/** The feed, for the instances that serve requests. */
@Module({ imports: [SubscribersModule, HttpModule], providers: [EventFeed], controllers: [EventsController] })
export class EventsApiModule {}
