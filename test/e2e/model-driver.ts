import { deepStrictEqual } from 'node:assert/strict';
import type { TestApp } from '../support/test-app.js';
import { type Answer, Model, type Sent } from './model.js';
import {
  type Body,
  type IfMatch,
  ITS_OWN,
  type ListQuery,
  type Request,
  SOURCES,
  UNKNOWN_SOURCE,
} from './model-commands.js';
import { faultsOf, httpRequest, idOf } from './model-http.js';
import { explain } from './model-orders.js';

/**
 * Sends requests to the service and holds every answer against the model. After requests that raced, several models may
 * be left, one for each order that explains the answers; those which later answers contradict are dropped.
 */
export class Driver {
  private models: readonly Model[];
  /** Ids the service made, in the order they became known. */
  private readonly made: string[] = [];
  /** Everything sent under an `Idempotency-Key`. */
  private readonly keyed: Sent[] = [];
  private raced = false;

  constructor(
    private readonly app: TestApp,
    private readonly start: number,
  ) {
    this.models = [new Model(start, start)];
  }

  timePasses(ms: number): void {
    for (const model of this.models) model.now += ms;
  }

  dueErasuresRan(): void {
    for (const model of this.models) model.eraseDue();
  }

  async one(request: Request): Promise<void> {
    const sent = this.resolve(request);
    await this.all([sent]);
    // A look at the customer tells its version, and that a refused request has left it as it was.
    if (sent.kind === 'create' && sent.id === undefined) return;
    if (sent.kind !== 'get' && sent.kind !== 'list') await this.look([idOf(sent)]);
  }

  async atOnce(requests: readonly Request[]): Promise<void> {
    this.raced = true;
    await this.all(requests.map((request) => this.resolve(request)));
    await this.look(this.ids);
  }

  /** Every customer, the list in both directions, and what the log holds of them. */
  async lookAtEverything(pageSize: number): Promise<void> {
    await this.look(this.ids);
    const forward = await this.page('startingAfter', pageSize);
    const backward = await this.page('endingBefore', pageSize, forward.at(-1));
    deepStrictEqual([...backward, ...forward.slice(-1)], forward, 'both ways through the list show the same');
    await this.lookIntoTheLog();
  }

  private get model(): Model {
    const [model] = this.models;
    if (model === undefined) throw new RangeError('No model is left');
    return model;
  }

  private get ids(): readonly string[] {
    return [...new Set(this.models.flatMap((model) => [...model.customers.keys()]))];
  }

  private async look(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.all([{ kind: 'get', id }]);
  }

  private async all(sent: readonly Sent[]): Promise<readonly Answer[]> {
    const answers = await Promise.all(sent.map((request) => this.send(request)));
    this.models = explain(this.models, sent, answers);
    for (const [at, request] of sent.entries()) {
      const id = request.kind === 'create' && request.id === undefined ? createdId(answers[at]) : undefined;
      if (id !== undefined && !this.made.includes(id)) this.made.push(id);
    }
    return answers;
  }

  /** @returns all ids in the order of the list */
  private async page(
    cursor: 'startingAfter' | 'endingBefore',
    limit: number,
    from?: string,
  ): Promise<readonly string[]> {
    const pages: string[][] = [];
    for (let at = from; ;) {
      const query: ListQuery = { limit, ...(at !== undefined && { [cursor]: at }) };
      const [answer] = await this.all([{ kind: 'list', query }]);
      const { data, hasMore } = pageOf(answer);
      pages.push(data);
      if (!hasMore) break;
      at = cursor === 'startingAfter' ? data.at(-1) : data[0];
    }
    return (cursor === 'startingAfter' ? pages : pages.reverse()).flat();
  }

  private async lookIntoTheLog(): Promise<void> {
    const { eventStore } = this.app.stores;
    const appends = new Map<string, Set<unknown>>();
    const newest = new Map<string, number>();
    const claims = new Map<string, number>();
    const done = new AbortController();
    for await (const message of eventStore.subscribe({ prefixes: ['customer-', 'source-'], signal: done.signal })) {
      if (message.kind === 'caught_up') break;
      if (message.kind !== 'event') continue;
      const { stream, revision, type, metadata } = message.event;
      newest.set(stream, revision);
      if (type === 'SourceClaimed') claims.set(stream, (claims.get(stream) ?? 0) + 1);
      appends.set(stream, (appends.get(stream) ?? new Set()).add(metadata['commandId']));
    }
    done.abort();
    for (const { id, version, changes } of this.model.customers.values()) {
      const stream = `customer-${id}`;
      if (version.known !== undefined) deepStrictEqual(newest.get(stream), version.known, `${stream} ends at its ETag`);
      deepStrictEqual(appends.get(stream)?.size, changes, `${stream} holds one append for each change`);
    }
    const streams = [...appends.keys()].filter((name) => name.startsWith('customer-'));
    deepStrictEqual(streams.length, this.model.customers.size, 'no stream of a customer that was never created');
    if (this.raced) return;
    const expected = [...this.model.sources.keys()].map((id) => [`source-${id}`, 1]);
    deepStrictEqual([...claims].sort(), expected.sort(), 'a refused attachment leaves no claim');
  }

  private async send(sent: Sent): Promise<Answer> {
    const response = await this.app.request(httpRequest(sent, this.start));
    const { statusCode: status, headers, payload } = response;
    const body: unknown = payload === '' ? undefined : JSON.parse(payload);
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-conversion -- the value comes from a parsed body
    const [, version] = /^"(\d+)"$/.exec(String(headers.etag ?? '')) ?? [];
    if (status < 400) return { status, faults: [], body, ...(version !== undefined && { version: Number(version) }) };
    return { status, faults: faultsOf(body, sent), body: undefined };
  }

  private resolve(request: Request): Sent {
    const sent = this.resolved(request);
    if ('key' in sent && sent.key !== undefined) this.keyed.push(sent);
    return sent;
  }

  private resolved(request: Request): Sent {
    if (request.kind === 'again') return this.again(request.back, request.body);
    if (request.kind === 'list') return { kind: 'list', query: this.resolveQuery(request.query) };
    if (request.kind === 'create') return { ...request, body: this.resolveBody(request.id, request.body) };
    const id = this.resolveId(request.id);
    if (request.kind === 'get') return { kind: 'get', id };
    const { ifMatch, ...rest } = request;
    const known = this.model.customers.get(id)?.version.known ?? 0;
    const versions = versionsOf(ifMatch, known);
    const sourceId = 'sourceId' in rest ? this.resolveSource(id, rest.sourceId) : undefined;
    return {
      ...rest,
      id,
      ...('body' in rest && { body: this.resolveBody(id, rest.body) }),
      ...(sourceId !== undefined && { sourceId }),
      ...(versions !== undefined && { versions }),
    };
  }

  private again(back: number, body: Body | undefined): Sent {
    const earlier = this.keyed.at(-1 - back) ?? { kind: 'get', id: 'never-made' };
    if (body === undefined || !('body' in earlier)) return earlier;
    return { ...earlier, body: this.resolveBody(earlier.id, bodyFor(earlier.kind, body)) };
  }

  private resolveBody(id: string | undefined, { fields, faults }: Body): Body {
    const { id: own, defaultSourceId: source, ...rest } = fields;
    return {
      fields: {
        ...rest,
        ...(own !== undefined && { id: own === ITS_OWN ? id : own }),
        // eslint-disable-next-line @typescript-eslint/no-base-to-string -- always a string there
        ...(source !== undefined && { defaultSourceId: source && this.resolveSource(id, String(source)) }),
      },
      faults,
    };
  }

  private resolveSource(id: string | undefined, sourceId: string): string {
    const [, nth] = /^attached (\d)$/.exec(sourceId) ?? [];
    return nth === undefined
      ? sourceId
      : (this.model.customers.get(id ?? '')?.sources[Number(nth)]?.id ?? UNKNOWN_SOURCE);
  }

  private resolveId(id: string): string {
    return id.startsWith('#') ? (this.made.at(-1 - Number(id.slice(1))) ?? 'ann') : id;
  }

  private resolveQuery({ startingAfter, endingBefore, ids, ...rest }: ListQuery): ListQuery {
    return {
      ...rest,
      ...(startingAfter !== undefined && { startingAfter: this.resolveId(startingAfter) }),
      ...(endingBefore !== undefined && { endingBefore: this.resolveId(endingBefore) }),
      ...(ids !== undefined && { ids: ids.map((id) => this.resolveId(id)) }),
    };
  }
}

function versionsOf(ifMatch: IfMatch | undefined, known: number): readonly number[] | undefined {
  switch (ifMatch) {
    case undefined:
    case 'any':
      return undefined;
    case 'current':
      return [known];
    case 'stale':
      return known > 0 ? [known - 1] : [];
    case 'foreign':
      return [];
    default:
      return ifMatch satisfies never;
  }
}

/** What only an update may hold is left out for a create. */
function bodyFor(kind: 'create' | 'update', { fields, faults }: Body): Body {
  if (kind === 'update') return { fields, faults };
  const known = (name: string): boolean =>
    !/^(id|requestToBeForgotten|sources|taxCertificates|.*Time|liveMode)$/.test(name);
  return {
    fields: Object.fromEntries(Object.entries(fields).filter(([name]) => known(name))),
    faults: faults.filter((fault) => known(fault.split(' ')[1] ?? '')),
  };
}

const createdId = (answer: Answer | undefined): string | undefined => {
  const body = answer?.body;
  return typeof body === 'object' && body !== null && 'id' in body && typeof body.id === 'string' ? body.id : undefined;
};

function pageOf(answer: Answer | undefined): { data: string[]; hasMore: boolean } {
  const page = answer?.body as { data: { id: string }[]; hasMore: boolean };
  return { data: page.data.map(({ id }) => id), hasMore: page.hasMore };
}

/** The directory of sources that the model knows too. */
export const findSource = (
  sourceId: string,
): { id: string; type?: string; state: string; reusable: boolean } | undefined => {
  const known = SOURCES.get(sourceId);
  return known && { id: sourceId, ...known };
};
