import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { setTimeout as delay } from 'node:timers/promises';
import type { Authentication } from '../access/authentication.js';
import type { Scope } from '../access/scopes.js';
import { RepeatedFailure } from '../event-sourcing/repeated-failure.js';
import { followerLog } from '../follower-log.js';
import { ApiError, ERRORS } from '../http/errors.js';
import { cursorGone } from './log-cursors.js';
import { EventReader, type ReadableLog } from './event-reader.js';
import { EventStream, type StreamParts } from './event-stream.js';
import type { PageRequest } from './log-page.js';

export interface StreamTimes {
  /** Between two comments, milliseconds. */
  readonly beatMs: number;
  /** Between two looks at the key or token that a stream was opened with. */
  readonly checkMs: number;
  /** So long may a stream go on while that can't be judged. */
  readonly unjudgedMs: number;
  /** So long may a reader take nothing. */
  readonly blockedMs: number;
}

const TIMES: StreamTimes = { beatMs: 15_000, checkMs: 5_000, unjudgedMs: 300_000, blockedMs: 60_000 };
const TICK_MS = 1_000;
/** Readers come back within seconds: no stream ended for this long means that they can be served again. */
const QUIET_MS = 10_000;
/** What a reader still takes of its stream when the service stops; well within the 10 s of a shutdown. */
const FAREWELL_MS = 1_500;
/** Spread, so that those who were cut off together don't come back together. */
const RETRY_MS = { least: 1_000, spread: 2_000 };

export interface StreamRequest extends Pick<PageRequest, 'after' | 'filter'> {
  readonly pii: boolean;
  /** Where the cursor was given. */
  readonly cursorIn: string;
  readonly authorization: string | undefined;
}

interface OpenStream {
  readonly stream: EventStream;
  readonly request: StreamRequest;
  readonly over: Promise<void>;
  nextBeat: number;
  nextCheck: number;
  /** When the key or token was found good last. */
  judged: number;
}

/** Every stream of this process: opens them, keeps them alive, and ends those whose key is no longer good. */
export class EventStreams implements OnModuleInit, OnModuleDestroy {
  private readonly failing = new RepeatedFailure({
    log: followerLog(EventStreams.name),
    what: 'A stream was ended',
    quietMs: QUIET_MS,
  });
  private readonly open = new Set<OpenStream>();
  private ticking: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly log: ReadableLog,
    private readonly parts: StreamParts,
    private readonly authentication: Pick<Authentication, 'callerOf'>,
    private readonly times: StreamTimes = TIMES,
  ) {}

  onModuleInit(): void {
    this.ticking = setInterval(() => this.tick(performance.now()), Math.min(TICK_MS, this.times.beatMs)).unref();
  }

  /** Ends every stream where its reader can go on elsewhere. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    clearInterval(this.ticking);
    const all = [...this.open];
    for (const { stream } of all) stream.end();
    const done = new AbortController();
    const farewell = delay(FAREWELL_MS, undefined, { signal: done.signal }).catch(() => undefined);
    await Promise.race([Promise.all(all.map(({ over }) => over)), farewell]);
    done.abort();
    for (const { stream } of this.open) stream.destroy();
  }

  /** How many are open. */
  get count(): number {
    return this.open.size;
  }

  /**
   * Resolves once the stream has begun; whatever fails later ends it, and its reader resumes.
   * @throws ApiError cursor_gone, service_unavailable @throws StoreUnavailable
   */
  async begin(request: StreamRequest, reply: FastifyReply): Promise<void> {
    if (this.stopping) throw stoppingNow();
    const reader = new EventReader(this.log, request.after, request.filter);
    const stream = new EventStream(reply.raw, reader, request.pii, this.parts);
    await stream.prepare().catch((error: unknown) => explain(error, request.cursorIn));
    if (this.stopping) throw stoppingNow();
    reply.headers(HEADERS).hijack();
    const retry = RETRY_MS.least + Math.floor(Math.random() * RETRY_MS.spread);
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.write(`retry: ${retry}\n\n`);
    this.keep(stream, request, reply);
  }

  private keep(stream: EventStream, request: StreamRequest, { raw }: FastifyReply): void {
    const now = performance.now();
    const over = new Promise<void>((resolve) => (raw.closed ? resolve() : raw.once('close', resolve)));
    const { beatMs, checkMs } = this.times;
    const kept = { stream, request, over, nextBeat: now + beatMs, nextCheck: now + checkMs, judged: now };
    this.open.add(kept);
    void over.then(() => this.open.delete(kept));
    stream.run().catch((error: unknown) => {
      this.failing.failed(error);
    });
  }

  private tick(now: number): void {
    const { beatMs, checkMs, blockedMs } = this.times;
    for (const kept of this.open) {
      const { stream } = kept;
      if (stream.blocked !== undefined && now - stream.blocked > blockedMs) stream.destroy();
      if (now >= kept.nextBeat) {
        stream.beat();
        kept.nextBeat += beatMs;
      }
      if (now >= kept.nextCheck) {
        kept.nextCheck = now + checkMs;
        void this.check(kept, now);
      }
    }
  }

  private async check(kept: OpenStream, now: number): Promise<void> {
    const { stream, request } = kept;
    try {
      const caller = await this.authentication.callerOf(request.authorization);
      if (caller === undefined || !scopesOf(request).every((scope) => caller.scopes.includes(scope))) stream.end();
      else kept.judged = now;
    } catch {
      if (now - kept.judged > this.times.unjudgedMs) stream.end();
    }
  }
}

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would hold events back to fill its buffers.
  'X-Accel-Buffering': 'no',
};

const scopesOf = ({ pii }: StreamRequest): readonly Scope[] =>
  pii ? ['events:read', 'events:read.pii'] : ['events:read'];

const stoppingNow = (): ApiError => ApiError.of('service_unavailable', ERRORS.service_unavailable.example.message);

function explain(error: unknown, cursorIn: string): never {
  if (error instanceof RangeError) throw cursorGone(cursorIn);
  throw error;
}
