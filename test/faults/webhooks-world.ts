import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent } from '../../src/subscribers/cloud-event.js';
import { type ServiceProcess, startService } from '../support/service-process.js';
import type { Received } from '../support/webhook-receiver.js';

/** The service in a process that may be killed, on one data folder. */
export class WebhooksWorld {
  service: ServiceProcess;
  starts = 0;

  constructor(private readonly dataDir: string) {}

  async start(): Promise<void> {
    this.service = await startService({
      dataDir: this.dataDir,
      env: { WEBHOOKS_ALLOW_LOOPBACK: 'true', LOG_LEVEL: 'error' },
    });
    this.starts += 1;
  }

  async kill(): Promise<void> {
    this.service.kill('SIGKILL');
    await this.service.exited;
  }

  /** Undefined when nobody answered. */
  async ask<T>(method: string, path: string, body?: unknown, headers = {}): Promise<T | undefined> {
    const { url, key } = this.service;
    try {
      const answer = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (answer.status >= 500) return undefined;
      if (answer.status >= 400) throw new Refused(`${method} ${path}: ${answer.status} ${text}`);
      return (text === '' ? {} : JSON.parse(text)) as T;
    } catch (error) {
      if (error instanceof Refused) throw error;
      return undefined;
    }
  }

  /** Repeats until it is answered, with the same key: done once, also over a kill. */
  async insist<T>(path: string, body: unknown, key: string): Promise<T> {
    for (;;) {
      const answer = await this.ask<T>('POST', path, body, { 'idempotency-key': key });
      if (answer !== undefined) return answer;
      await delay(20);
    }
  }

  /** Everything that was appended, by customer. */
  async history(): Promise<ReadonlyMap<string, readonly CloudEvent[]>> {
    const histories = new Map<string, CloudEvent[]>();
    for (let after = ''; ;) {
      const page = await this.ask<{ data: CloudEvent[]; next: string; hasMore: boolean }>(
        'GET',
        `/events?limit=1000${after}`,
      );
      if (page === undefined) throw new Error('The feed did not answer');
      for (const event of page.data) {
        const history = histories.get(event.subject) ?? [];
        history.push(event);
        histories.set(event.subject, history);
      }
      if (!page.hasMore) return histories;
      after = `&after=${page.next}`;
    }
  }
}

class Refused extends Error {}

/**
 * Judges what came to one endpoint as it comes: of a customer nothing may come before all that stands before it was
 * acknowledged.
 */
export class Judge {
  /** The next sequence that was not acknowledged, by customer. */
  private readonly next = new Map<string, number>();
  private readonly ids = new Map<string, string>();
  readonly faults: string[] = [];
  duplicates = 0;
  acknowledged = 0;

  came({ event: { subject, id }, sequence }: Received): void {
    const next = this.next.get(subject) ?? 0;
    if (sequence > next) this.faults.push(`${subject} ${sequence} came while ${next} was not acknowledged`);
    if (sequence < next) this.duplicates += 1;
    const name = `${subject} ${sequence}`;
    if ((this.ids.get(name) ?? id) !== id) this.faults.push(`${name} came with another id`);
    this.ids.set(name, id);
  }

  answered({ event: { subject }, sequence }: Received): void {
    const next = this.next.get(subject) ?? 0;
    if (sequence !== next) return;
    this.next.set(subject, next + 1);
    this.acknowledged += 1;
  }

  /** @returns what is missing, or is not as it stands in the log */
  missing(history: ReadonlyMap<string, readonly CloudEvent[]>): string[] {
    return [...history].flatMap(([subject, events]) =>
      events.flatMap(({ id, sequence }) => {
        const number = Number(sequence);
        const lost = number >= (this.next.get(subject) ?? 0) || this.ids.get(`${subject} ${number}`) !== id;
        return lost ? [`${subject} ${number}`] : [];
      }),
    );
  }
}
