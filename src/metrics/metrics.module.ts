import { type DynamicModule, Module } from '@nestjs/common';
import { FollowerMetrics } from './follower-metrics.js';
import { KeyStoreMetrics } from './key-store-metrics.js';
import { MeteredSubjectKeys } from './metered-subject-keys.js';
import { MetricsController } from './metrics.controller.js';
import { ObservedBuses } from './observed-buses.js';
import { PendingErasures } from './pending-erasures.js';
import { RequestMetrics } from './request-metrics.js';
import { TraceContext } from './trace-context.js';

/** What is measured from outside, and where it is read. What is measured at a port is put round it by the composition root. */
@Module({})
export class MetricsModule {
  /** @param followers the module that exports LogFollowers */
  static with(followers: DynamicModule, subjectKeys: MeteredSubjectKeys): DynamicModule {
    return {
      module: MetricsModule,
      imports: [followers],
      controllers: [MetricsController],
      providers: [
        { provide: MeteredSubjectKeys, useValue: subjectKeys },
        FollowerMetrics,
        KeyStoreMetrics,
        ObservedBuses,
        PendingErasures,
        RequestMetrics,
        TraceContext,
      ],
    };
  }
}
