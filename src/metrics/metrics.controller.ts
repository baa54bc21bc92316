import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { Public } from '../access/required-access.js';
import { processMetrics } from './process-metrics.js';

/**
 * For Prometheus, in its text format. Public like the health checks, and no part of the API: it tells counts, times and
 * states, nothing of any customer.
 */
@ApiExcludeController()
@Public()
@Controller('metrics')
export class MetricsController {
  private readonly registries: readonly Registry[];

  constructor(registry: Registry) {
    this.registries = [registry, processMetrics()];
  }

  @Get()
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('Cache-Control', 'no-store')
  async metrics(): Promise<string> {
    const texts = await Promise.all(this.registries.map((registry) => registry.metrics()));
    return texts.join('\n');
  }
}
