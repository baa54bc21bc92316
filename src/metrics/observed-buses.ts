import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type AsyncContext, CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Attributes, Span } from '@opentelemetry/api';
import { Counter, Registry } from 'prom-client';
import { OUTAGE_KINDS, type StoreName } from '../event-sourcing/store-errors.js';
import { type Outcome, outcomeOf, OUTCOMES, storeFaultOf } from './outcomes.js';
import { inSpan, traceparentFor } from './tracing.js';

interface Bus {
  execute(message: object, scope?: AsyncContext): Promise<unknown>;
}

/** All messages of one class: under which span they go, and how they ended so far. */
interface Messages {
  readonly span: string;
  readonly attributes: Attributes;
  readonly ended: Record<Outcome, number>;
}

/**
 * Every command and query, whoever asks for it: counted by name and outcome, and under a span that also stands in the
 * metadata of the events a command makes. The buses have no place for this, so their `execute` is replaced.
 */
@Injectable()
export class ObservedBuses implements OnModuleInit {
  private readonly missingKeys: Counter;
  private readonly storeFaults: Counter;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly registry: Registry,
  ) {
    this.missingKeys = new Counter({
      name: 'customers_keys_missing_total',
      help: 'Commands and queries that found a subject key gone or unreadable though nobody was erased',
      registers: [registry],
    });
    this.storeFaults = new Counter({
      name: 'customers_store_faults_total',
      help: 'Commands and queries that a store kept from being done, by store and by what was wrong with it',
      labelNames: ['store', 'kind'],
      registers: [registry],
    });
    // An alert asks for the growth of a count, which needs one to grow from.
    for (const store of STORES_OF_COMMANDS) for (const kind of OUTAGE_KINDS) this.storeFaults.inc({ store, kind }, 0);
  }

  onModuleInit(): void {
    this.observe('command', this.commands, this.counted('customers_commands_total', 'command'));
    this.observe('query', this.queries, this.counted('customers_queries_total', 'query'));
  }

  private observe(kind: string, bus: Bus, all: Map<string, Messages>): void {
    const execute = bus.execute.bind(bus);
    bus.execute = (message, scope) => {
      const { name } = message.constructor;
      let messages = all.get(name);
      if (messages === undefined) {
        messages = { span: `${kind} ${name}`, attributes: { [`customers.${kind}`]: name }, ended: noneYet() };
        all.set(name, messages);
      }
      const { span: title, attributes, ended } = messages;
      const work = async (span: Span | undefined): Promise<unknown> => {
        let outcome: Outcome = 'done';
        try {
          return await execute(span === undefined ? message : causedBy(span, message), scope);
        } catch (error) {
          outcome = outcomeOf(error);
          if (outcome === 'key_missing') this.missingKeys.inc();
          const fault = storeFaultOf(error);
          if (fault !== undefined) this.storeFaults.inc({ store: fault.store, kind: fault.kind });
          throw error;
        } finally {
          ended[outcome] += 1;
          span?.setAttribute('customers.outcome', outcome);
        }
      };
      return inSpan(title, attributes, work, isFault);
    };
  }

  /** @returns what the counter is made of whenever it is asked for: counting itself must cost a request nothing */
  private counted(name: string, label: 'command' | 'query'): Map<string, Messages> {
    const all = new Map<string, Messages>();
    new Counter({
      name,
      help: label === 'command' ? 'Commands by name and outcome' : 'Queries by name and outcome',
      labelNames: [label, 'outcome'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [named, { ended }] of all) {
          for (const outcome of OUTCOMES) this.inc({ [label]: named, outcome }, ended[outcome]);
        }
      },
    });
    return all;
  }
}

const STORES_OF_COMMANDS: readonly StoreName[] = ['event_log', 'read_model', 'subject_keys'];

const noneYet = (): Messages['ended'] => ({
  done: 0,
  refused: 0,
  unavailable: 0,
  unknown: 0,
  key_missing: 0,
  failed: 0,
});

const isFault = (error: unknown): boolean => outcomeOf(error) !== 'refused';

/** A command is copied, its context naming this span in place of the caller's; what has no context stays as it is. */
function causedBy(span: Span, message: object): object {
  const traceparent = traceparentFor(span);
  if (traceparent === undefined || !('context' in message)) return message;
  const { context } = message;
  if (typeof context !== 'object' || context === null) return message;
  const copy = Object.create(Object.getPrototypeOf(message) as object) as object;
  return Object.assign(copy, message, { context: { ...context, traceparent } });
}
