import { Module } from '@nestjs/common';
import { Authentication } from '../access/authentication.js';
import { EventStore } from '../event-sourcing/event-store.js';
import { Quarantine } from '../event-sourcing/quarantine.js';
import { QuarantinedLog } from '../event-sourcing/quarantined-log.js';
import { HttpModule } from '../http/http.module.js';
import { KeyRing } from '../privacy/key-ring.js';
import { CloudEvents, sourceOf } from './cloud-event.js';
import { EndedLives } from './ended-lives.js';
import { EventFeed } from './event-feed.js';
import { EventFrames } from './event-frames.js';
import { EventStreams } from './event-streams.js';
import { EventsController } from './events.controller.js';
import { LogCursors } from './log-cursors.js';
import { LogTail } from './log-tail.js';
import { Turns } from './turns.js';

const CATCH_UPS_AT_ONCE = 8;

const cursors = {
  provide: LogCursors,
  inject: [EventStore],
  useFactory: async (store: EventStore) => new LogCursors(await store.logId(), store),
};
const tail = { provide: LogTail, inject: [QuarantinedLog], useFactory: (log: QuarantinedLog) => new LogTail(log) };
const endedLives = {
  provide: EndedLives,
  inject: [EventStore, LogTail, KeyRing],
  useFactory: (store: EventStore, logTail: LogTail, keys: KeyRing) => new EndedLives(store, logTail, keys),
};
const cloudEvents = {
  provide: CloudEvents,
  inject: [EventStore, KeyRing, EndedLives],
  useFactory: async (store: EventStore, keys: KeyRing, lives: EndedLives) =>
    new CloudEvents(keys, sourceOf(await store.logId()), lives),
};
const streams = {
  provide: EventStreams,
  inject: [QuarantinedLog, Quarantine, LogTail, CloudEvents, LogCursors, Authentication],
  useFactory: (
    store: QuarantinedLog,
    quarantine: Quarantine,
    logTail: LogTail,
    events: CloudEvents,
    logCursors: LogCursors,
    authentication: Authentication,
  ) =>
    new EventStreams(
      { store, tail: logTail, catchUps: new Turns(CATCH_UPS_AT_ONCE), isHeld: (event) => store.isHeld(event) },
      { tail: logTail, cursors: logCursors, frames: new EventFrames(events, logCursors), quarantine },
      authentication,
    ),
};

/** Customer events in the form other services get them, and what all ways to them share: one subscription, cursors. */
@Module({
  providers: [cursors, tail, endedLives, cloudEvents],
  exports: [LogCursors, LogTail, EndedLives, CloudEvents],
})
export class SubscribersModule {}

/** The feed and the stream, for the instances that serve requests. */
@Module({ imports: [SubscribersModule, HttpModule], providers: [EventFeed, streams], controllers: [EventsController] })
export class EventsApiModule {}
