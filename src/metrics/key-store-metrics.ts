import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { MeteredSubjectKeys } from './metered-subject-keys.js';

/** The counts are older than this: the service's own secrets are read before there is an application. */
@Injectable()
export class KeyStoreMetrics {
  constructor({ operations }: MeteredSubjectKeys, registry: Registry) {
    new Counter({
      name: 'customers_key_store_operations_total',
      help: 'Calls of the subject key store, by operation and outcome; what a cache answers is no call',
      labelNames: ['operation', 'outcome'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, count } of operations.entries) this.inc(labels, count);
      },
    });
  }
}
