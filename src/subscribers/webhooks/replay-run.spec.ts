import type { EventStore, Position, SubscriptionMessage } from '../../event-sourcing/event-store.js';
import { SystemClock } from '../../event-sourcing/clock.js';
import { runReplay } from './replay-run.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import type { Webhooks } from './webhooks.js';

const ENDPOINT: WebhookEndpoint = {
  id: 'wh_1',
  url: 'https://example.com/',
  pii: false,
  enabled: true,
  secrets: [],
  replay: { id: 'r', until: '9' as Position },
  createdAt: 0,
  updatedAt: 0,
  version: 1,
};
const store = {
  comparePositions: (a: string, b: string) => Number(a) - Number(b),

  subscribe: async function* (): AsyncGenerator<SubscriptionMessage> {
    yield { kind: 'checkpoint', position: '4' as Position };
    yield { kind: 'caught_up' };
  },
} as unknown as EventStore;

/** @param standing the endpoint as the store has it, each time it is asked for */
async function lanesTouched(...standing: (WebhookEndpoint | undefined)[]): Promise<number> {
  let touched = 0;
  const touch = (): Promise<void> => {
    touched += 1;
    return Promise.resolve();
  };
  const webhooks = {
    find: () => Promise.resolve(standing.shift()),
    replace: () => Promise.resolve(true),
    rewind: touch,
    enqueue: () => Promise.resolve(),
  } as unknown as Webhooks;
  const parts = { store, webhooks, clock: new SystemClock(), wake: () => undefined };
  await runReplay(parts, ENDPOINT, new AbortController().signal);
  return touched;
}

describe('a replay', () => {
  it('sets lanes back until the end of what it covers', async () => {
    expect(await lanesTouched(ENDPOINT, ENDPOINT, ENDPOINT)).toBe(2);
  });

  it('touches no lane once its endpoint is removed, or the replay is over', async () => {
    const { replay: _, ...over } = ENDPOINT;
    expect(await lanesTouched(undefined)).toBe(0);
    expect(await lanesTouched(ENDPOINT, undefined)).toBe(1);
    expect(await lanesTouched(ENDPOINT, over)).toBe(1);
  });
});
