import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { Public } from '../access/required-access.js';
import { metricsText } from './metrics-server.js';

/**
 * For Prometheus, in its text format. Public like the health checks, and no part of the API: it tells counts, times and
 * states, nothing of any customer.
 */
@ApiExcludeController()
@Public()
@Controller('metrics')
export class MetricsController {
  constructor(private readonly registry: Registry) {}

  @Get()
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  metrics(): Promise<string> {
    return metricsText(this.registry);
  }
}
