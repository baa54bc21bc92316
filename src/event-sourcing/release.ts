import type { Clock } from './clock.js';
import type { Actor } from './command-context.js';
import { execute } from './command-execution.js';
import type { EventStore, JsonObject, RecordedEvent } from './event-store.js';
import { HELD_EVENT_RELEASED, type Hold, Holds, QUARANTINE_STREAM, STREAM_RELEASED } from './holds.js';
import { quarantineDrafts } from './quarantine-drafts.js';

/** There is nothing to release. */
export class NotSetAside extends Error {
  override readonly name = 'NotSetAside';
  constructor() {
    super('It is not set aside.');
  }
}

export interface ReleaseParts {
  readonly store: EventStore;
  readonly clock: Clock;
  /** Whoever asks for it. */
  readonly actor: Actor;
  /** Throws while the stream is not repaired. */
  readonly requireRepaired: (events: readonly RecordedEvent[]) => void;
}

const BUDGET_MS = 10_000;
const AT_ONCE = 100;

/**
 * Releases a stream that is set aside and repaired. First a mark is put into the log for each event that was held: there it
 * is delivered, in order and once, to all who follow the log. Then the release, from which on the stream is as any other.
 * Ended in between it can be done again: it goes on behind the last mark.
 * @returns how many events were held
 * @throws NotSetAside @throws what `requireRepaired` throws @throws StreamDamaged the stream was deleted for good
 */
export async function releaseStream(parts: ReleaseParts, stream: string): Promise<number> {
  const hold = openHold(await parts.store.read(QUARANTINE_STREAM), parts, stream);
  const events = await parts.store.read(stream);
  parts.requireRepaired(events);
  const held = events.filter((event) => isHeldBy(hold, event, parts.store));
  const from = hold.from ?? held[0]?.revision ?? events.length;
  const marks = held
    .filter(({ revision }) => revision >= (hold.markedTo ?? 0))
    .map(({ revision }) => ({ type: HELD_EVENT_RELEASED, data: { stream, hold: hold.number, revision } }));
  for (let at = 0; at < marks.length; at += AT_ONCE) await record(parts, hold, marks.slice(at, at + AT_ONCE));
  await record(parts, hold, [{ type: STREAM_RELEASED, data: { stream, hold: hold.number, from } }]);
  return held.length;
}

async function record(
  parts: ReleaseParts,
  hold: Hold,
  records: readonly { readonly type: string; readonly data: JsonObject }[],
): Promise<void> {
  const { store, clock, actor } = parts;
  await execute(store, clock, {
    stream: QUARANTINE_STREAM,
    deadline: clock.now() + BUDGET_MS,
    expectNew: false,
    decide: (history) => {
      // Released by another meanwhile, it must not be marked again.
      if (openHold(history, parts, hold.stream).number !== hold.number) throw new NotSetAside();
      return Promise.resolve({ drafts: quarantineDrafts(records, actor, history.at(-1), clock.now()) });
    },
  });
}

function openHold(history: readonly RecordedEvent[], { store }: ReleaseParts, stream: string): Hold {
  const holds = new Holds(store);
  for (const recorded of history) holds.apply(recorded);
  const hold = holds.openOf(stream);
  if (hold === undefined) throw new NotSetAside();
  return hold;
}

const isHeldBy = ({ from, position }: Hold, event: RecordedEvent, store: EventStore): boolean =>
  (from !== undefined && event.revision >= from) || store.comparePositions(event.position, position) > 0;
