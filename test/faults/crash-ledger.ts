import type { ServiceProcess } from '../support/service-process.js';
import { after, type Expected, fault, type Operation } from './crash-model.js';

/** One operation somebody wants, over all its requests: it may have to be asked for again after a crash. */
export interface Attempt {
  readonly name: string;
  readonly operation: Operation;
  /** Unknown for a creation that leaves the id to the service, until it is known. */
  customerId: string | undefined;
  readonly key: string | undefined;
  /** Others want the same source: being refused it is no fault. */
  readonly contested: boolean;
  /** Others change the same customer: an answer may show their changes as well. */
  readonly shared: boolean;
  /** `X-Request-Id` of each request, noted before it is sent: the events it leaves in the log carry it. */
  readonly requestIds: string[];
  outcome: 'unknown' | 'done' | 'refused';
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const SUCCESS = { create: 201, update: 200, attach: 200, detach: 204, delete: 204 } as const;

/**
 * What was asked of the service and what it answered, kept outside of it: noted before a request is sent, and again when
 * its answer is there.
 */
export class Ledger {
  readonly customers = new Map<string, Expected>();
  /** Every attempt of the whole run. */
  readonly attempts: Attempt[] = [];
  /** Customers somebody tried to change since the last check. */
  readonly touched = new Set<string>();
  /** What the service did wrong. */
  readonly faults: string[] = [];
  /** How many whole answers have arrived. */
  answers = 0;
  readonly counts = { requests: 0, acknowledged: 0, refused: 0, unknown: 0 };

  begin(attempt: Omit<Attempt, 'requestIds' | 'outcome'>): Attempt {
    const noted: Attempt = { ...attempt, requestIds: [], outcome: 'unknown' };
    this.attempts.push(noted);
    return noted;
  }

  /** @returns undefined when no whole answer arrived */
  async ask(service: ServiceProcess, attempt: Attempt): Promise<Answer | undefined> {
    const requestId = `${attempt.name}.${attempt.requestIds.length}`;
    attempt.requestIds.push(requestId);
    if (attempt.customerId !== undefined) this.touched.add(attempt.customerId);
    this.counts.requests += 1;
    const answer = await request(service, ...address(attempt), {
      'X-Request-Id': requestId,
      ...(attempt.key !== undefined && { 'Idempotency-Key': attempt.key }),
    }).catch(() => undefined);
    if (answer === undefined) this.counts.unknown += 1;
    else this.answers += 1;
    return answer;
  }

  /** Asks, and takes the answer as what happened. */
  async attempt(service: ServiceProcess, attempt: Attempt): Promise<void> {
    const answer = await this.ask(service, attempt);
    if (answer === undefined) return;
    if (answer.status === SUCCESS[attempt.operation.kind]) this.acknowledge(attempt, answer);
    else this.refuse(attempt, answer);
  }

  /** It took effect. */
  settle(attempt: Attempt): void {
    if (attempt.outcome === 'done') return;
    attempt.outcome = 'done';
    if (attempt.customerId === undefined) throw new RangeError('Done, but to whom?');
    this.touched.add(attempt.customerId);
    this.customers.set(attempt.customerId, after(this.customers.get(attempt.customerId), attempt.operation));
  }

  /** Whoever asked to be forgotten is erased by now. */
  erased(ids: Iterable<string> = this.customers.keys()): void {
    for (const id of ids) {
      const expected = this.customers.get(id);
      if (expected?.status === 'forgotten') this.customers.set(id, { ...expected, status: 'erased' });
    }
  }

  blame(attempt: Attempt, what: string): void {
    this.faults.push(
      `${attempt.requestIds.join(' ')} (${attempt.operation.kind} ${attempt.customerId ?? '?'}): ${what}`,
    );
  }

  private acknowledge(attempt: Attempt, { status, body }: Answer): void {
    this.counts.acknowledged += 1;
    if (attempt.operation.kind === 'create') attempt.customerId = String(body['id']);
    this.settle(attempt);
    const { kind } = attempt.operation;
    const expected = this.customers.get(attempt.customerId ?? '');
    if ((kind !== 'create' && kind !== 'update') || attempt.shared || expected === undefined) return;
    const wrong = fault(expected, kind === 'create' ? 200 : status, body);
    if (wrong !== undefined) this.blame(attempt, `answered with ${wrong}`);
  }

  private refuse(attempt: Attempt, { status, body }: Answer): void {
    const code = codeOf(body);
    if (code === 'outcome_unknown') {
      this.counts.unknown += 1;
      return;
    }
    this.counts.refused += 1;
    attempt.outcome = 'refused';
    const taken = attempt.contested && isTaken(code);
    if (!taken && code !== 'service_unavailable') this.blame(attempt, `refused with ${status} ${code}`);
  }
}

/** The source is another's, or was until that one's life ended. */
export const isTaken = (code: string): boolean => code === 'source_in_use' || code === 'source_not_chargeable';

export const codeOf = (body: Answer['body']): string => {
  const [first] = Array.isArray(body['errors']) ? body['errors'] : [];
  return String(first?.code);
};

function address({ operation, customerId }: Attempt): [method: string, path: string, body: unknown] {
  const path = `/customers/${customerId ?? ''}`;
  switch (operation.kind) {
    case 'create':
      return ['POST', '/customers', { ...operation.changes, ...(operation.id !== undefined && { id: operation.id }) }];
    case 'update':
      return ['POST', path, operation.changes];
    case 'delete':
      return ['DELETE', path, undefined];
    case 'attach':
      return ['POST', `${path}/sources/${operation.sourceId}`, undefined];
    case 'detach':
      return ['DELETE', `${path}/sources/${operation.sourceId}`, undefined];
    default:
      return operation satisfies never;
  }
}

const ANSWER_MS = 20_000;

/** @throws Error when no whole answer arrived */
export async function request(
  { url, key }: Pick<ServiceProcess, 'url' | 'key'>,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      Authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}
