import { Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { Quarantine } from '../event-sourcing/quarantine.js';
import { DAMAGES } from '../event-sourcing/stream-damage.js';

/** How many streams are set aside, as this instance knows it: an alarm as soon as there is one. */
@Injectable()
export class QuarantineMetrics {
  constructor(quarantine: Quarantine, registry: Registry) {
    new Gauge({
      name: 'customers_streams_set_aside',
      help: 'Streams of customers and sources that are set aside, by what is wrong with them',
      labelNames: ['damage'],
      registers: [registry],
      collect() {
        const { open } = quarantine;
        for (const damage of DAMAGES) this.set({ damage }, open.filter((hold) => hold.damage === damage).length);
      },
    });
  }
}
