import { setTimeout as delay } from 'node:timers/promises';
import type { Checkpoints } from '../../event-sourcing/checkpoints.js';
import type { Clock } from '../../event-sourcing/clock.js';
import type { EventStore } from '../../event-sourcing/event-store.js';
import { LeasedWork } from '../../event-sourcing/leased-work.js';
import { type FailureLog, passesByItself, RepeatedFailure } from '../../event-sourcing/repeated-failure.js';
import { Bell } from '../bell.js';
import { EndpointPump, LANES, type PumpParts } from './endpoint-pump.js';
import type { LaneRun } from './lane-run.js';
import { type ReplayParts, runReplay } from './replay-run.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import type { Webhooks } from './webhooks.js';

const LEASE = 'webhook-deliveries';
/** How soon a change by another instance is seen, and a lane whose time has come. */
const LOOK_EVERY_MS = 500;
/** Before a replay that could not go on is tried again. */
const PAUSE_MS = 2_000;
/** Failures come from many lanes: none for this long means that the cause is gone. Longer than the pause of a lane. */
const QUIET_MS = 10_000;

export interface DispatcherParts {
  readonly webhooks: Webhooks;
  readonly checkpoints: Checkpoints;
  readonly store: EventStore;
  readonly lanes: LaneRun;
  readonly clock: Clock;
  readonly log: FailureLog;
  /** Whether this instance delivers; else it leaves that to others. */
  readonly delivers: boolean;
}

/** Delivers what is noted, one instance at a time: under a lease, at whose end all that is under way is broken off. */
export class WebhookDispatcher {
  private readonly work: LeasedWork;
  private readonly bell = new Bell();
  private readonly pumps = new Map<string, EndpointPump>();
  /** By the id of the replay. */
  private readonly replays = new Map<string, Promise<void>>();
  private readonly failing: RepeatedFailure;

  constructor(private readonly parts: DispatcherParts) {
    this.failing = new RepeatedFailure({ log: parts.log, what: 'webhooks could not be delivered', quietMs: QUIET_MS });
    this.work = new LeasedWork({
      checkpoints: parts.checkpoints,
      lease: LEASE,
      work: (signal) => this.dispatch(signal),
      failed: (error) => this.failed(error),
    });
  }

  start(): void {
    if (this.parts.delivers) this.work.start();
  }

  stop(): Promise<void> {
    return this.work.stop();
  }

  /** There may be something to deliver, or an endpoint was changed. */
  wake(): void {
    this.bell.ring();
  }

  private async dispatch(leased: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([leased, over.signal]);
    signal.addEventListener('abort', () => this.bell.ring());
    const parts: PumpParts = {
      ...this.parts,
      places: { free: LANES.shared },
      gone: (endpoint) => this.disable(endpoint),
      failed: (error, endpoint) => this.failed(error, endpoint.id),
    };
    try {
      while (!signal.aborted) {
        this.look(await this.parts.webhooks.list(), parts, signal);
        await this.bell.heard(LOOK_EVERY_MS);
      }
    } finally {
      over.abort();
      await Promise.all([...this.replays.values(), ...[...this.pumps.values()].map((pump) => pump.ended())]);
      this.pumps.clear();
    }
  }

  private look(endpoints: readonly WebhookEndpoint[], parts: PumpParts, signal: AbortSignal): void {
    const enabled = new Map(endpoints.flatMap((endpoint) => (endpoint.enabled ? [[endpoint.id, endpoint]] : [])));
    for (const [id, pump] of this.pumps) {
      // One closes itself after 410; the endpoint may be enabled all the same: moved since, or the store was away.
      if (enabled.has(id) && pump.isOpen) continue;
      pump.close();
      void pump.ended().then(() => this.pumps.get(id) === pump && this.pumps.delete(id));
    }
    for (const endpoint of enabled.values()) this.pump(endpoint, parts, signal);
    for (const endpoint of endpoints) this.replay(endpoint, signal);
  }

  private pump(endpoint: WebhookEndpoint, parts: PumpParts, signal: AbortSignal): void {
    const standing = this.pumps.get(endpoint.id);
    // One that was closed is waited for: no two may have the same lane under way.
    if (standing?.isOpen === false) return;
    const pump = standing ?? new EndpointPump(parts, endpoint, signal);
    this.pumps.set(endpoint.id, pump);
    pump.update(endpoint);
    pump.wake();
  }

  private replay(endpoint: WebhookEndpoint, signal: AbortSignal): void {
    const { replay } = endpoint;
    if (replay === undefined || this.replays.has(replay.id)) return;
    const parts: ReplayParts = { ...this.parts, wake: () => this.wake() };
    const run = runReplay(parts, endpoint, signal)
      .catch((error: unknown) => {
        if (signal.aborted) return undefined;
        this.failed(error, endpoint.id);
        return delay(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      })
      .then(() => void this.replays.delete(replay.id));
    this.replays.set(replay.id, run);
  }

  /** It answered 410 (Standard Webhooks): nothing more is sent there until someone enables it again. */
  private async disable({ id, url }: WebhookEndpoint): Promise<void> {
    const { webhooks, clock } = this.parts;
    for (;;) {
      const standing = await webhooks.find(id);
      // Moved meanwhile: the old address is gone, not the new one.
      if (standing?.enabled !== true || standing.url !== url) return;
      const next = { ...standing, enabled: false, gone: true, updatedAt: clock.now(), version: standing.version + 1 };
      if (await webhooks.replace(next, standing.version)) return;
    }
  }

  /** What an endpoint answers is noted with it; this is about failures of our own. */
  private failed(error: unknown, endpoint?: string): void {
    if (endpoint === undefined || passesByItself(error)) this.failing.failed(error);
    else this.failing.failed(error, { endpoint }, endpoint);
  }
}
