import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ApiKeyCache } from '../access/api-key-cache.js';
import { ApiKeyGuard } from '../access/api-key.guard.js';
import { AcceptsJsonGuard } from './accepts-json.guard.js';
import { CommandContexts } from './command-contexts.js';
import { CommandIds } from './idempotency.js';

/** What all resources share at the edge. The guards hold for every route, in this order. */
@Module({
  providers: [
    { provide: APP_GUARD, useClass: ApiKeyGuard },
    { provide: APP_GUARD, useClass: AcceptsJsonGuard },
    ApiKeyCache,
    CommandIds,
    CommandContexts,
  ],
  exports: [CommandContexts],
})
export class HttpModule {}
