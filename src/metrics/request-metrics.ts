import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Histogram, Registry } from 'prom-client';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** At most so many durations wait to be counted. */
const AT_ONCE = 256;

type Labels = Record<'method' | 'route' | 'status', string>;

/**
 * Times requests by the template of their route; all addresses that are none of ours are one. Durations are gathered and
 * counted together, which costs each request less than to count it by itself.
 */
@Injectable()
export class RequestMetrics implements OnModuleInit {
  private readonly durations: Histogram<keyof Labels>;
  private waiting: { readonly labels: Labels; readonly seconds: number }[] = [];

  constructor(
    private readonly host: HttpAdapterHost,
    registry: Registry,
  ) {
    this.durations = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'From the head of a request to the end of its answer, by method, route template and status',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
      collect: () => {
        this.countWaiting();
      },
    });
  }

  onModuleInit(): void {
    const fastify: FastifyInstance = this.host.httpAdapter.getInstance();
    fastify.addHook('onResponse', (request, reply, done) => {
      // A stream lasts as long as its reader likes: that is no duration of ours.
      if (!isStream(reply)) this.waiting.push({ labels: labelsOf(request, reply), seconds: reply.elapsedTime / 1000 });
      if (this.waiting.length >= AT_ONCE) this.countWaiting();
      done();
    });
  }

  private countWaiting(): void {
    for (const { labels, seconds } of this.waiting) this.durations.observe(labels, seconds);
    this.waiting = [];
  }
}

const isStream = (reply: FastifyReply): boolean =>
  reply.getHeader('content-type')?.toString().startsWith('text/event-stream') === true;

const labelsOf = (request: FastifyRequest, reply: FastifyReply): Labels => ({
  method: METHODS.has(request.method) ? request.method : 'other',
  route: request.routeOptions.url ?? 'unknown',
  status: String(reply.statusCode),
});
