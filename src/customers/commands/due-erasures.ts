import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Interval } from '@nestjs/schedule';
import { CONFIG, type Config } from '../../config.js';
import { Clock } from '../../event-sourcing/clock.js';
import { Checkpoints } from '../../event-sourcing/checkpoints.js';
import { systemContext } from '../../event-sourcing/command-context.js';
import { RepeatedFailure } from '../../event-sourcing/repeated-failure.js';
import { OutcomeUnknown, StoreUnavailable } from '../../event-sourcing/store-errors.js';
import { followerLog } from '../../follower-log.js';
import { KeyMissing } from '../../privacy/key-ring.js';
import { CustomerViews } from '../read-model/customer-views.js';
import { EraseCustomer } from './erase-customer.js';

const EVERY_MS = 60_000;
/** Longer than the pause between two runs: of several instances one keeps at it until it is gone. */
const LEASE = 'due-erasures';
const LEASE_MS = 90_000;
const AT_ONCE = 100;
const BUDGET_MS = 4_000;
const RUN_FAILED = 'Due erasures are tried again in a minute';
const ONE_FAILED = 'A due erasure failed';
/** Two runs without it. */
const QUIET_MS = 150_000;

/** Carries out the requests to be forgotten whose grace period has ended: a query each minute, no timers to be lost. */
@Injectable()
export class DueErasures {
  private readonly failing = new RepeatedFailure({ log: followerLog(DueErasures.name), what: RUN_FAILED });
  /** Single customers; the next run tries them again. */
  private readonly refused = new RepeatedFailure({
    log: followerLog(DueErasures.name),
    what: ONE_FAILED,
    quietMs: QUIET_MS,
  });
  private running = false;

  constructor(
    private readonly checkpoints: Checkpoints,
    private readonly views: CustomerViews,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'role'>,
  ) {}

  @Interval(EVERY_MS)
  async run(): Promise<void> {
    if (this.running || this.config.role === 'api') return;
    this.running = true;
    try {
      const lease = await this.checkpoints.acquire(LEASE, this.checkpoints.owner, LEASE_MS);
      if (lease !== undefined) await this.eraseAllDue();
      this.failing.recovered();
    } catch (error) {
      this.failing.failed(error);
    } finally {
      this.running = false;
    }
  }

  /**
   * Each customer once a run: one that stays due, for a stale view shows it so or it failed, is not asked about for ever,
   * and hides none of those behind it.
   */
  private async eraseAllDue(): Promise<void> {
    const asked = new Set<string>();
    let stayed = 0;
    for (;;) {
      const limit = AT_ONCE + stayed;
      const due = await this.views.dueForErasure(this.clock.now(), limit);
      const fresh = due.filter((id) => !asked.has(id));
      if (fresh.length === 0 && due.length < limit) return;
      stayed = due.length - fresh.length;
      for (const id of fresh) await this.eraseOrGoOn(id);
      for (const id of fresh) asked.add(id);
    }
  }

  /** One customer that can't be erased must not keep the others; a store that is away would keep them all. */
  private async eraseOrGoOn(id: string): Promise<void> {
    try {
      await this.erase(id);
    } catch (error) {
      const isOutage = error instanceof StoreUnavailable || error instanceof OutcomeUnknown;
      if (isOutage && !(error instanceof KeyMissing)) throw error;
      this.refused.failed(error);
    }
  }

  private async erase(id: string): Promise<void> {
    const context = systemContext('grace-period', this.clock.now() + BUDGET_MS);
    await this.commands.execute(new EraseCustomer(id, 'grace_period_over', context));
  }
}
