import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../../event-sourcing/clock.js';
import { systemContext } from '../../event-sourcing/command-context.js';
import { CustomerViews } from '../read-model/customer-views.js';
import { EraseCustomer } from './erase-customer.js';

const EVERY_MS = 60_000;
const AT_ONCE = 100;
const BUDGET_MS = 4_000;

/** Carries out the requests to be forgotten whose grace period has ended: a query each minute, no timers to be lost. */
@Injectable()
export class DueErasures {
  private readonly logger = new Logger(DueErasures.name);
  private running = false;

  constructor(
    private readonly views: CustomerViews,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  @Interval(EVERY_MS)
  async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      for (let due = await this.due(); due.length > 0; due = await this.due()) {
        for (const id of due) await this.erase(id);
        if (due.length < AT_ONCE) return;
      }
    } catch (error) {
      this.logger.warn(`Due erasures are tried again in a minute: ${error instanceof Error ? error.name : 'unknown'}`);
    } finally {
      this.running = false;
    }
  }

  private due(): Promise<readonly string[]> {
    return this.views.dueForErasure(this.clock.now(), AT_ONCE);
  }

  private async erase(id: string): Promise<void> {
    const context = systemContext('grace-period', this.clock.now() + BUDGET_MS);
    await this.commands.execute(new EraseCustomer(id, 'grace_period_over', context));
  }
}
