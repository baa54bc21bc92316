import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { appendOnce } from '../event-sourcing/append-once.js';
import { Clock } from '../event-sourcing/clock.js';
import type { Actor } from '../event-sourcing/command-context.js';
import { chain } from '../event-sourcing/envelope.js';
import { EventStore } from '../event-sourcing/event-store.js';
import { OutcomeUnknown, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { AUDIT_ACCESSED, type AuditAccess, auditData, auditDraft, auditStream } from './audit-events.js';

/** One use of an audit route or command. Nothing in it may be personal: it stays in the log in clear. */
export interface AuditRecord extends AuditAccess {
  readonly actor: Actor;
  /** Made when absent, as for a command. */
  readonly requestId?: string;
  /** W3C Trace Context, checked. */
  readonly traceparent?: string;
}

const BUDGET_MS = 4_000;

/** Writes down who used the audit, in the log that they look at, each use in a stream of its own. */
@Injectable()
export class AuditTrail {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves once it stands in the log: what was asked for must not be shown before.
   * @throws StoreUnavailable it may stand there all the same @throws NotJson
   */
  async record({ actor, requestId = randomUUID(), traceparent, ...access }: AuditRecord): Promise<void> {
    const now = this.clock.now();
    const useId = randomUUID();
    const draft = auditDraft(AUDIT_ACCESSED, auditData(access), {
      ...{ useId, requestId, actor, at: now },
      ...(traceparent !== undefined && { traceparent }),
    });
    const events = chain(auditStream(useId), undefined, [draft]);
    try {
      await appendOnce(this.store, this.clock, events, now + BUDGET_MS);
    } catch (error) {
      // That somebody looked may be told twice, never not at all: asking again is safe.
      throw error instanceof OutcomeUnknown ? new StoreUnavailable('event_log', { cause: error }) : error;
    }
  }
}
