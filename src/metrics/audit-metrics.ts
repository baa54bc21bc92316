import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import { AuditTree } from '../audit/audit-tree.js';
import { CheckpointRounds } from '../audit/checkpoint-rounds.js';
import { Clock } from '../event-sourcing/clock.js';
import { within } from '../event-sourcing/deadline.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';

const LOOK_MS = 1_000;

/** The audit tree as it stands when it is asked for; not a number while its store does not answer. */
@Injectable()
export class AuditMetrics {
  constructor(tree: AuditTree, rounds: CheckpointRounds, clock: Clock, registry: Registry) {
    const gauge = (name: string, help: string, value: () => Promise<number>): Gauge =>
      new Gauge({
        name,
        help,
        registers: [registry],
        async collect() {
          this.set(await within(LOOK_MS, value(), () => new StoreUnavailable('audit_tree')).catch(() => NaN));
        },
      });
    gauge('customers_audit_leaves', 'Events in the audit tree', () => tree.size());
    gauge('customers_audit_unsigned_seconds', 'How long leaves wait to be signed; 0 when all are', async () => {
      const latest = await tree.latestCheckpoint();
      const [waiting, size] = [latest?.size ?? 0, await tree.size()];
      return size > waiting ? (clock.now() - (latest?.at ?? clock.now())) / 1000 : 0;
    });
    const counter = (name: string, help: string, value: () => number): Counter =>
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    counter('customers_audit_signing_failures_total', 'Rounds in which the tree could not be signed', () => {
      return rounds.signingFailures;
    });
    new Gauge({
      name: 'customers_audit_witness_failures',
      help: 'How often in a row the witness did not take a checkpoint; 0 also without a witness',
      registers: [registry],
      collect() {
        this.set(rounds.witnessFailures);
      },
    });
  }
}
