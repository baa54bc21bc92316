import type { Answer, Model, Sent } from './model.js';

/**
 * The models that are left once these requests, which were under way at the same time, have been answered: one for each
 * order in which the requests, made one after the other, would have been answered just so.
 * @throws Error when no order explains the answers
 */
export function explain(models: readonly Model[], sent: readonly Sent[], answers: readonly Answer[]): readonly Model[] {
  const pairs = sent.map((request, at): Pair => ({ request, answer: answers[at] ?? unanswered }));
  const left = new Map<string, Model>();
  const contradictions: string[] = [];
  const search = (some: readonly Pair[]): void => {
    for (const model of models)
      searchFrom(model, some.map(meetingItsCondition(model, pairs)), left, contradictions, []);
  };
  search(pairs);
  if (left.size === 0) search(pairs.filter((pair) => !wasPromised(pair, pairs)));
  if (left.size === 0) throw new Error(`No order explains ${JSON.stringify(pairs)}\n${contradictions.join('\n')}`);
  return [...left.values()];
}

interface Pair {
  readonly request: Sent;
  readonly answer: Answer;
}

const unanswered: Answer = { status: 0, faults: [], body: undefined };

function searchFrom(
  model: Model,
  pairs: readonly Pair[],
  left: Map<string, Model>,
  contradictions: string[],
  before: readonly string[],
): void {
  if (pairs.length === 0) {
    left.set(model.fingerprint, model);
    return;
  }
  for (const pair of pairs) {
    const next = model.copy();
    const wrong = next.expect(pair.request, pair.answer);
    const path = [...before, pair.request.kind];
    if (wrong !== undefined) contradictions.push(`${path.join(', ')}: ${wrong}`);
    else searchFrom(next, without(pair, pairs), left, contradictions, path);
  }
}

const without = (pair: Pair, pairs: readonly Pair[]): readonly Pair[] => pairs.filter((other) => other !== pair);

/**
 * A first liberty: an attachment's `If-Match` counts when the source is claimed, a moment before the attachment stands
 * (docs/adr/0002), so what changes the customer in between does not fail it.
 */
const meetingItsCondition =
  (model: Model, all: readonly Pair[]) =>
  (pair: Pair): Pair => {
    const { request, answer } = pair;
    if (all.length < 2 || request.kind !== 'attach' || answer.status === 412) return pair;
    const known = model.customers.get(request.id)?.version.known;
    if (known === undefined || request.versions?.includes(known) !== true) return pair;
    const { versions: _, ...unconditional } = request;
    return { request: unconditional, answer };
  };

/**
 * A second one: a source is refused as in use while it is promised to a creation, also when that is itself refused in
 * the end. Such a refusal has no place in any order.
 */
function wasPromised({ request, answer }: Pair, all: readonly Pair[]): boolean {
  const wanted = sourceOf(request);
  const promises = (other: Pair): boolean =>
    other.request !== request &&
    other.request.kind === 'create' &&
    other.answer.status >= 400 &&
    sourceOf(other.request) === wanted;
  return answer.faults.includes('source_in_use sourceId') && all.some(promises);
}

function sourceOf(request: Sent): unknown {
  if (request.kind === 'attach') return request.sourceId;
  return request.kind === 'create' ? request.body.fields['defaultSourceId'] : undefined;
}
