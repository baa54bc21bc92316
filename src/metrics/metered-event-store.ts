import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import {
  type Appended,
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
  WrongExpectedRevision,
} from '../event-sourcing/event-store.js';
import { EventStoreDecorator } from '../event-sourcing/event-store-decorator.js';
import { OutcomeUnknown, StoreUnavailable } from '../event-sourcing/store-errors.js';
import { inSpan } from './tracing.js';

const OUTCOMES = ['appended', 'conflict', 'unavailable', 'unknown', 'failed'] as const;
type AppendOutcome = (typeof OUTCOMES)[number];

/** Counts and times every call of `append`, each with a span of its own; hands everything else on as it is. */
export class MeteredEventStore extends EventStoreDecorator {
  private readonly appends: Counter<'outcome'>;
  private readonly events: Counter;
  private readonly durations: Histogram;

  constructor(inner: EventStore, registry: Registry) {
    super(inner);
    const registers = [registry];
    this.appends = new Counter({
      name: 'customers_appends_total',
      help: 'Calls of append on the event log, by outcome; one repeated after a lost answer counts again',
      labelNames: ['outcome'],
      registers,
    });
    this.events = new Counter({
      name: 'customers_events_appended_total',
      help: 'Events appended to the log by this instance',
      registers,
    });
    this.durations = new Histogram({
      name: 'customers_append_duration_seconds',
      help: 'How long an append took, whatever its outcome',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    new Counter({
      name: 'customers_log_subscription_restarts_total',
      help: 'How often a subscription was dropped and resumed by the store itself',
      registers,
      collect() {
        this.reset();
        this.inc(inner.subscriptionRestarts);
      },
    });
    new Gauge({
      name: 'customers_another_log',
      help: 'Whether the event log was found to be another one (1), so that nothing is read or appended',
      registers,
      collect() {
        this.set(Number(inner.anotherLog !== undefined));
      },
    });
    for (const outcome of OUTCOMES) this.appends.inc({ outcome }, 0);
  }

  override append(stream: string, expected: ExpectedRevision, events: readonly EventToAppend[]): Promise<Appended> {
    const work = async (note: (outcome: AppendOutcome) => void): Promise<Appended> => {
      const started = performance.now();
      let outcome: AppendOutcome = 'appended';
      try {
        const appended = await this.inner.append(stream, expected, events);
        this.events.inc(events.length);
        return appended;
      } catch (error) {
        outcome = outcomeOf(error);
        throw error;
      } finally {
        this.durations.observe((performance.now() - started) / 1000);
        this.appends.inc({ outcome });
        note(outcome);
      }
    };
    return inSpan(
      'append',
      { 'customers.events': events.length },
      (span) => work((outcome) => span?.setAttribute('customers.outcome', outcome)),
      (error) => outcomeOf(error) !== 'conflict',
    );
  }
}

function outcomeOf(error: unknown): Exclude<AppendOutcome, 'appended'> {
  if (error instanceof WrongExpectedRevision) return 'conflict';
  if (error instanceof StoreUnavailable) return 'unavailable';
  return error instanceof OutcomeUnknown ? 'unknown' : 'failed';
}
