import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from '../access/access.guard.js';
import { ApiKeyCache } from '../access/api-key-cache.js';
import { Authentication } from '../access/authentication.js';
import { BearerTokens } from '../access/bearer-tokens.js';
import { RateLimit } from '../access/rate-limit.js';
import { AcceptsJsonGuard } from './accepts-json.guard.js';
import { CommandContexts } from './command-contexts.js';
import { CommandIds } from './idempotency.js';

/** What all resources share at the edge. The guards hold for every route, in this order. */
@Module({
  providers: [
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: AcceptsJsonGuard },
    ApiKeyCache,
    Authentication,
    BearerTokens,
    RateLimit,
    CommandIds,
    CommandContexts,
  ],
  exports: [Authentication, CommandContexts],
})
export class HttpModule {}
