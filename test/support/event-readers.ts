import { randomUUID } from 'node:crypto';
import { apiKeyFor } from '../../src/access/secrets.js';
import type { Scope } from '../../src/access/scopes.js';
import type { CloudEvent } from '../../src/subscribers/cloud-event.js';
import type { FeedPage } from '../../src/subscribers/event-feed.js';
import type { TestApp } from './test-app.js';

/** The `Authorization` of a new key with these scopes. */
export const authorizationFor = (app: TestApp, ...scopes: readonly Scope[]): Promise<string> =>
  authorizationUntil(app, undefined, ...scopes);

/** @param expiresAt milliseconds since the epoch */
export async function authorizationUntil(
  app: TestApp,
  expiresAt: number | undefined,
  ...scopes: readonly Scope[]
): Promise<string> {
  const secret = `test-${randomUUID()}`;
  await app.stores.apiKeys.add(apiKeyFor(secret, { name: 'reader', scopes, expiresAt }, app.clock.now()));
  return `Bearer ${secret}`;
}

/** One page, whatever the status: its body is a page only when that is 200. */
export async function feedPage(
  app: TestApp,
  query: Readonly<Record<string, string | number>> = {},
  authorization = `Bearer ${app.secret}`,
): Promise<FeedPage> {
  const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const answer = await app.request({ method: 'GET', url: `/events?${text.join('&')}`, headers: { authorization } });
  if (answer.statusCode !== 200) throw new Error(`The feed answered ${String(answer.statusCode)}: ${answer.body}`);
  return answer.json<FeedPage>();
}

/** Every page up to the end. */
export async function wholeFeed(
  app: TestApp,
  query: Readonly<Record<string, string | number>> = {},
  authorization?: string,
): Promise<CloudEvent[]> {
  const events: CloudEvent[] = [];
  for (let after: string | undefined; ;) {
    const page = await feedPage(app, { ...query, ...(after !== undefined && { after }) }, authorization);
    events.push(...page.data);
    if (!page.hasMore) return events;
    after = page.next;
  }
}
