import { randomUUID } from 'node:crypto';

/** Who caused an event. Never a personal value: the id of an API key, or a keyed hash of a token's subject. */
export interface Actor {
  readonly type: 'api_key' | 'token' | 'system';
  readonly id: string;
}

/** Why a change was made, in the words of whoever asked for it. */
export interface ChangeReason {
  /** Matches `[a-z0-9_-]{1,40}`; stored in clear. */
  readonly code: string;
  /** Personal: stored sealed. */
  readonly text?: string;
}

/** What a command brings along besides its content. */
export interface CommandContext {
  readonly actor: Actor;
  /** Matches `[A-Za-z0-9._-]{1,64}`. */
  readonly requestId: string;
  /** W3C Trace Context, as received and checked. */
  readonly traceparent?: string;
  readonly reason?: ChangeReason;
  /** `If-Match`: the stream must stand at one of these revisions. Empty: no revision can satisfy the caller. */
  readonly ifMatch?: readonly number[];
  /** Present when the caller sent an `Idempotency-Key`. */
  readonly idempotency?: {
    /** HMAC over principal, route and key: names the command for good, so that a repeat finds it in the stream. */
    readonly commandId: string;
    /** Digest of path parameters and body; sealed before it is stored. Absent where another finishes the command. */
    readonly fingerprint?: string;
  };
  /** Milliseconds since the epoch: when the answer is due. */
  readonly deadline: number;
}

/** For what the service does of itself. */
export const systemContext = (id: string, deadline: number): CommandContext => ({
  actor: { type: 'system', id },
  requestId: randomUUID(),
  deadline,
});

/** `If-Match` names another version. Answered as 412 `precondition_failed`. */
export class PreconditionFailed extends Error {
  override readonly name = 'PreconditionFailed';
}

/** The same `Idempotency-Key` was used with another body. Answered as 422 `idempotency_key_reused`. */
export class IdempotencyKeyReused extends Error {
  override readonly name = 'IdempotencyKeyReused';
}
