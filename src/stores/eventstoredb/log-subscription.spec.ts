import type { Position, SubscriptionMessage } from '../../event-sourcing/event-store.js';
import { SystemClock } from '../../event-sourcing/clock.js';
import { type FollowedLog, followLog } from './log-subscription.js';

const at = (commit: number, prepare = commit): Position => `${commit}/${prepare}` as Position;

/** A log whose connections say what they are told to, and then end. */
function logOf(connections: SubscriptionMessage[][], end?: Position): FollowedLog & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    clock: new SystemClock(),
    outageMs: 1_000,
    isClosed: false,
    verify: async () => undefined,
    end: async () => end,
    dropped: () => undefined,
    spaced: () => undefined,
    saw: () => undefined,
    reaches: () => undefined,
    connect: async function* (after) {
      asked.push(after);
      yield* connections.shift() ?? [];
    },
  };
}

const { signal } = new AbortController();

async function take(log: FollowedLog, count: number): Promise<SubscriptionMessage[]> {
  const messages: SubscriptionMessage[] = [];
  for await (const message of followLog(log, { signal })) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

describe('A subscription to the log', () => {
  it('gives a mark that lies where the next event will stand as the end of the log', async () => {
    const log = logOf([[{ kind: 'checkpoint', position: at(70, 0) }]], at(50));
    expect(await take(log, 1)).toEqual([{ kind: 'checkpoint', position: at(50) }]);
  });

  it('leaves a mark within the log as it is, and resumes there', async () => {
    const mark = { kind: 'checkpoint', position: at(40, 0) } as const;
    const log = logOf([[mark], [{ kind: 'caught_up' }]], at(50));
    expect(await take(log, 2)).toEqual([mark, { kind: 'caught_up' }]);
    expect(log.asked).toEqual([undefined, mark.position]);
  });

  it('waits longer from drop to drop while none of its connections lasts', async () => {
    const begun = performance.now();
    const log = logOf(Array.from({ length: 4 }, () => [{ kind: 'caught_up' }]));
    await take(log, 4);
    // Half of 100, 200 and 400 ms at least: the other half is chance.
    expect(performance.now() - begun).toBeGreaterThan(345);
  });
});
