import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import {
  HealthCheckService,
  type HealthCheckResult,
  HealthIndicatorService,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { Public } from '../access/required-access.js';
import { ApiKeys } from '../access/api-keys.js';
import { CustomerViews } from '../customers/read-model/customer-views.js';
import { within } from '../event-sourcing/deadline.js';
import { EventStore } from '../event-sourcing/event-store.js';
import { LogFollowers } from '../event-sourcing/log-followers.js';
import { ReadGate } from '../event-sourcing/read-gate.js';
import { AnotherLog, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { SubjectKeys } from '../privacy/subject-keys.js';

const CHECK_MS = 2_000;

/** For load balancers and supervisors; tells states and counts, nothing of any customer. */
@ApiExcludeController()
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly eventStore: EventStore,
    private readonly views: CustomerViews,
    private readonly subjectKeys: SubjectKeys,
    private readonly apiKeys: ApiKeys,
    private readonly followers: LogFollowers,
    private readonly gate: ReadGate,
  ) {}

  /** The process answers. */
  @Get('live')
  live(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  /** Every store answers, and what follows the log does so: 200, else 503 with what is wrong. */
  @Get('ready')
  ready(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.store('event_log', this.eventStore),
      () => this.store('read_model', { health: () => this.readable() }),
      () => this.store('subject_keys', this.subjectKeys),
      () => this.store('api_keys', this.apiKeys),
      () => this.following(),
    ]);
  }

  /** Views that are not known to have caught up are not served: to a caller that is the same as none. */
  private async readable(): Promise<void> {
    await this.views.health();
    await this.gate.pass();
  }

  private async store(name: string, store: { health(): Promise<void> }): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    try {
      await within(CHECK_MS, store.health(), () => new StoreUnavailable('event_log'));
      return indicator.up();
    } catch (error) {
      return error instanceof AnotherLog ? indicator.down({ reason: 'another_log' }) : indicator.down();
    }
  }

  private following(): HealthIndicatorResult {
    const { projector, ...others } = this.followers.status;
    const indicator = this.indicators.check('projector');
    const details = { ...projector, others };
    // Degraded is no reason to take the instance away: it goes on serving reads.
    return projector === undefined || projector.state === 'stopped' ? indicator.down(details) : indicator.up(details);
  }
}
