import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { context, propagation, trace } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { isTraced } from './tracing.js';

/**
 * Takes up the caller's trace, so that the spans of a request belong to it. Where an instrumentation of HTTP has done so
 * already, its span stays the parent. Which headers count is the registered propagator's affair; without an SDK nothing is read.
 */
@Injectable()
export class TraceContext implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify: FastifyInstance = this.host.httpAdapter.getInstance();
    fastify.addHook('onRequest', ({ headers }, _reply, done) => {
      const active = context.active();
      if (!isTraced() || trace.getSpanContext(active) !== undefined) done();
      else context.with(propagation.extract(active, headers), done);
    });
  }
}
