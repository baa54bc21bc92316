import { createHash, createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Actor, CommandContext } from '../event-sourcing/command-context.js';
import { canonicalJson } from '../event-sourcing/canonical-json.js';
import { ServiceSecrets } from '../privacy/service-secrets.js';
import { ApiError } from './errors.js';
import { meaningOf } from './json-body.js';

export interface RepeatableRequest {
  readonly actor: Actor;
  /** Method and template, as `POST /customers/:id`. */
  readonly route: string;
  readonly params: unknown;
  /** As it was read: what it says is what counts. */
  readonly body: object;
}

/** Turns an `Idempotency-Key` into the name of a command that is the same for good, and is no one else's. */
@Injectable()
export class CommandIds {
  constructor(private readonly secrets: ServiceSecrets) {}

  /** @throws ApiError invalid_parameter when the key is malformed */
  idempotencyOf(key: string | undefined, request: RepeatableRequest): CommandContext['idempotency'] {
    if (key === undefined) return undefined;
    if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
      throw ApiError.of('invalid_parameter', 'The key must be 1 to 255 printable ASCII characters', 'Idempotency-Key');
    }
    const { actor, route, params, body } = request;
    return {
      commandId: this.hmac(`${actor.type}:${actor.id}`, route, key),
      fingerprint: createHash('sha256')
        .update(canonicalJson({ params, body: meaningOf(body) }))
        .digest('base64url'),
    };
  }

  /** Each part goes in with its length before it, so that no two lists of parts give the same bytes. */
  private hmac(...parts: readonly string[]): string {
    const hmac = createHmac('sha256', this.secrets.commandId);
    for (const part of parts) {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      hmac.update(length).update(bytes);
    }
    return hmac.digest('base64url');
  }
}
