import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import { within } from '../event-sourcing/deadline.js';
import type { FollowerStatus } from '../event-sourcing/log-follower.js';
import { LogFollowers } from '../event-sourcing/log-followers.js';
import { ReadGate } from '../event-sourcing/read-gate.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';

const STATES = Object.keys({
  waiting: true,
  following: true,
  retrying: true,
  suspended: true,
  degraded: true,
  stopped: true,
} satisfies Record<FollowerStatus['state'], true>);

/** The gate is asked to look whether it can open, which may take a look into the log. */
const LOOK_MS = 1_000;

/** What follows the log in this process, as it stands when it is asked for. */
@Injectable()
export class FollowerMetrics {
  constructor(
    private readonly followers: LogFollowers,
    gate: ReadGate,
    private readonly registry: Registry,
  ) {
    this.gauge(
      'customers_follower_lag_events',
      'About how many events are in the log and not handled yet',
      (status) => status.lagEvents,
    );
    this.gauge(
      'customers_follower_lag_seconds',
      'How long the newest event has been waiting; 0 when caught up',
      (status) => status.lagMs / 1000,
    );
    this.gauge(
      'customers_follower_lease_held',
      'Whether this instance follows (1), or leaves it to another (0)',
      (status) => Number(status.holdsLease),
    );
    this.states();
    this.restarts();
    new Gauge({
      name: 'customers_read_gate_closed',
      help: 'Whether reads are refused (1), since the views may lack a write that was answered',
      registers: [registry],
      async collect() {
        // It opens only when someone wants to pass.
        await within(LOOK_MS, gate.pass(), () => new StoreUnavailable('read_model')).catch(() => undefined);
        this.set(Number(gate.isClosed));
      },
    });
  }

  private gauge(name: string, help: string, valueOf: (status: FollowerStatus) => number): void {
    const { followers } = this;
    new Gauge({
      name,
      help,
      labelNames: ['follower'],
      registers: [this.registry],
      collect() {
        for (const [follower, status] of Object.entries(followers.status)) this.set({ follower }, valueOf(status));
      },
    });
  }

  private states(): void {
    const { followers } = this;
    new Gauge({
      name: 'customers_follower_state',
      help: '1 for the state a follower of the log is in, 0 for the others',
      labelNames: ['follower', 'state'],
      registers: [this.registry],
      collect() {
        for (const [follower, status] of Object.entries(followers.status)) {
          for (const state of STATES) this.set({ follower, state }, Number(state === status.state));
        }
      },
    });
  }

  private restarts(): void {
    const { followers } = this;
    new Counter({
      name: 'customers_follower_restarts_total',
      help: 'How often following the log began anew after a failure',
      labelNames: ['follower'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [follower, { restarts }] of Object.entries(followers.status)) this.inc({ follower }, restarts);
      },
    });
  }
}
