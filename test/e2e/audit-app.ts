import { AUDIT_PREFIX } from '../../src/audit/audit-events.js';
import type { HistoryEvent } from '../../src/audit/customer-audit.js';
import type { LogEvent } from '../../src/audit/log-audit.js';
import type { RecordedEvent } from '../../src/event-sourcing/event-store.js';
import { startTestApp, type TestApp, type TestAppOptions, TestClock } from '../support/test-app.js';

export const SOURCE = 'fd74a5c5-0163-469a-ae8e-031f0259b576';
const SECRETS = ['canary@example.com', 'Canary Street', 'canary-gold', 'Canary asked by phone, ü'];
export const [EMAIL, STREET, TIER, WHY] = SECRETS as [string, string, string, string];
export const TRACE = 'a'.repeat(32);

export const holdsSecret = (value: unknown): boolean =>
  SECRETS.some((secret) => JSON.stringify(value).includes(secret));

export const shipping = { name: 'Jane', address: { country: 'US', line1: STREET } };

export interface Page<E> {
  readonly data: readonly E[];
  readonly next: string;
  readonly hasMore: boolean;
}

type Answer = Awaited<ReturnType<TestApp['request']>>;

/** A service with an auditor at hand, and a clock that moves with each change. */
export class AuditApp {
  private constructor(
    readonly app: TestApp,
    readonly clock: TestClock,
  ) {}

  static async start(options: Omit<TestAppOptions, 'clock'> = {}): Promise<AuditApp> {
    const clock = new TestClock();
    return new AuditApp(await startTestApp({ ...options, clock }), clock);
  }

  close(): Promise<void> {
    return this.app.close();
  }

  get(url: string, authorization = `Bearer ${this.app.secret}`): Promise<Answer> {
    return this.app.request({ method: 'GET', url, headers: { authorization } });
  }

  async got<T>(url: string, authorization?: string): Promise<T> {
    const answer = await this.get(url, authorization);
    if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}: ${answer.body}`);
    return answer.json<T>();
  }

  async change(url: string, body?: unknown, reason?: string, method = 'POST'): Promise<void> {
    this.clock.advance(1_000);
    const headers = {
      'x-request-id': `request-${this.clock.now()}`,
      traceparent: `00-${TRACE}-${'b'.repeat(16)}-01`,
      ...(reason !== undefined && { 'x-reason': reason }),
    };
    const answer = await this.app.request({ method, url, headers, ...(body !== undefined && { body }) });
    if (answer.statusCode >= 300) throw new Error(answer.body);
  }

  /** Seven events and a source's one. */
  async life(id: string): Promise<void> {
    await this.change('/customers', { id, email: EMAIL, metadata: { tier: TIER, n: 1 } });
    const reason = `support_call; ${encodeURIComponent(WHY)}`;
    await this.change(`/customers/${id}`, { shipping, metadata: { n: '' } }, reason);
    await this.change(`/customers/${id}/sources/${SOURCE}`, undefined, 'import');
    await this.change(`/customers/${id}`, { email: null, enabled: false });
  }

  async history(id: string, authorization?: string): Promise<readonly HistoryEvent[]> {
    return (await this.got<Page<HistoryEvent>>(`/audit/customers/${id}/events`, authorization)).data;
  }

  async wholeLog(query = ''): Promise<readonly LogEvent[]> {
    const events: LogEvent[] = [];
    for (let after = ''; ;) {
      const page = await this.got<Page<LogEvent>>(`/audit/events?${query}${after}`);
      events.push(...page.data);
      if (!page.hasMore) return events;
      after = `&after=${page.next}`;
    }
  }

  /** What stands in the log of the uses of the audit. */
  async auditEvents(): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    const end = new AbortController();
    const { eventStore } = this.app.stores;
    for await (const message of eventStore.subscribe({ prefixes: [AUDIT_PREFIX], signal: end.signal })) {
      if (message.kind === 'event') events.push(message.event);
      if (message.kind === 'caught_up') end.abort();
    }
    return events;
  }
}
