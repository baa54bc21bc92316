import { Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { CustomerViews } from '../customers/read-model/customer-views.js';
import { Clock } from '../event-sourcing/clock.js';
import { within } from '../event-sourcing/deadline.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';

/** More are not counted: the figure is read on every scrape, and says enough. */
export const MOST_COUNTED = 1_000;
const FOR_MS = 10_000;
const PATIENCE_MS = 1_000;
/** Later than any grace period ends. */
const END_OF_TIME = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * How many customers wait to be forgotten, as the live views show it: `requested`, every open request, its grace period
 * over or not; `due`, those whose grace period is over, which the next round should erase. NaN where the views do not answer.
 */
@Injectable()
export class PendingErasures {
  private counted: { readonly at: number; readonly figures: Promise<Figures> } | undefined;

  constructor(
    private readonly views: CustomerViews,
    private readonly clock: Clock,
    registry: Registry,
  ) {
    const figures = (): Promise<Figures> => this.figures();
    new Gauge({
      name: 'customers_erasures_pending',
      help: `Customers that wait to be forgotten: all requested, and those due; counted up to ${String(MOST_COUNTED)}`,
      labelNames: ['stage'],
      registers: [registry],
      async collect() {
        const { requested, due } = await figures();
        this.set({ stage: 'requested' }, requested);
        this.set({ stage: 'due' }, due);
      },
    });
  }

  /** Kept for some seconds: anyone may ask, and must not be able to keep the views busy by it. */
  private figures(): Promise<Figures> {
    const now = this.clock.now();
    if (this.counted === undefined || Math.abs(now - this.counted.at) >= FOR_MS) {
      this.counted = { at: now, figures: this.look(now) };
    }
    return this.counted.figures;
  }

  private async look(now: number): Promise<Figures> {
    const count = async (time: number): Promise<number> =>
      (
        await within(
          PATIENCE_MS,
          this.views.dueForErasure(time, MOST_COUNTED),
          () => new StoreUnavailable('read_model'),
        )
      ).length;
    try {
      const [requested, due] = await Promise.all([count(END_OF_TIME), count(now)]);
      return { requested, due };
    } catch {
      return { requested: NaN, due: NaN };
    }
  }
}

interface Figures {
  readonly requested: number;
  readonly due: number;
}
