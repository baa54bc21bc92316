import { type DynamicModule, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import type { Config } from '../config.js';
import { AuditMetrics } from './audit-metrics.js';
import { FollowerMetrics } from './follower-metrics.js';
import { KeyStoreMetrics } from './key-store-metrics.js';
import { MeteredSubjectKeys } from './metered-subject-keys.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsServer } from './metrics-server.js';
import { ObservedBuses } from './observed-buses.js';
import { PendingErasures } from './pending-erasures.js';
import { QuarantineMetrics } from './quarantine-metrics.js';
import { RequestMetrics } from './request-metrics.js';
import { TraceContext } from './trace-context.js';

/** What is measured from outside, and where it is read. What is measured at a port is put round it by the composition root. */
@Module({})
export class MetricsModule {
  /**
   * @param measured the modules that export LogFollowers and what signs the audit tree
   * @param config without `metricsPort` the metrics are where the API is
   */
  static with(
    measured: readonly DynamicModule[],
    subjectKeys: MeteredSubjectKeys,
    { metricsPort, host }: Pick<Config, 'metricsPort' | 'host'>,
  ): DynamicModule {
    const serve = (registry: Registry): MetricsServer => new MetricsServer(registry, { port: metricsPort ?? 0, host });
    return {
      module: MetricsModule,
      imports: [...measured],
      controllers: metricsPort === undefined ? [MetricsController] : [],
      providers: [
        { provide: MeteredSubjectKeys, useValue: subjectKeys },
        ...(metricsPort === undefined ? [] : [{ provide: MetricsServer, useFactory: serve, inject: [Registry] }]),
        AuditMetrics,
        FollowerMetrics,
        KeyStoreMetrics,
        ObservedBuses,
        PendingErasures,
        QuarantineMetrics,
        RequestMetrics,
        TraceContext,
      ],
    };
  }
}
