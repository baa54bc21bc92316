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
  for (const model of models) {
    const lookedAtBefore = pairs.map((pair) => withoutConditionMet(model, pair));
    search(model, pairs.length > 1 ? lookedAtBefore : pairs, left, contradictions, []);
  }
  if (left.size === 0) throw new Error(`No order explains ${JSON.stringify(pairs)}\n${contradictions.join('\n')}`);
  return [...left.values()];
}

interface Pair {
  readonly request: Sent;
  readonly answer: Answer;
}

const unanswered: Answer = { status: 0, faults: [], body: undefined };

function search(
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
    else
      search(
        next,
        pairs.filter((other) => other !== pair),
        left,
        contradictions,
        path,
      );
  }
}

/**
 * The one liberty taken: an attachment's `If-Match` counts when the source is claimed, a moment before the attachment stands
 * (docs/adr/0002), so what changes the customer in between does not fail it.
 */
function withoutConditionMet(model: Model, { request, answer }: Pair): Pair {
  if (request.kind !== 'attach' || request.versions === undefined || answer.status === 412) return { request, answer };
  const known = model.customers.get(request.id)?.version.known;
  if (known === undefined || !request.versions.includes(known)) return { request, answer };
  const { versions: _, ...unconditional } = request;
  return { request: unconditional, answer };
}
