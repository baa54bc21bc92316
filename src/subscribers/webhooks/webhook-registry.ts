import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../../event-sourcing/clock.js';
import type { EventStore, Position } from '../../event-sourcing/event-store.js';
import { ApiError, ERRORS, type Fault, hasFaults } from '../../http/errors.js';
import { type Addresses, AddressRefused, NameUnresolved } from './addresses.js';
import type { CloudEventType } from '../cloud-event.js';
import { cursorGone } from '../log-cursors.js';
import type { EndpointSecrets } from './endpoint-secrets.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import type { Webhooks } from './webhooks.js';

const notFound = (): ApiError => ApiError.of('not_found', 'No such webhook', 'id');
/** Only who may see personal values may say that they go somewhere, and where. */
const personalValuesRefused = (): ApiError =>
  ApiError.of('forbidden', 'Personal values need the scope events:read.pii', 'personalValues');

export interface NewWebhook {
  readonly url: string;
  readonly description?: string;
  readonly types?: readonly CloudEventType[];
  readonly pii: boolean;
}

/** `null` clears. */
export interface WebhookChanges {
  readonly url?: string;
  readonly description?: string | null;
  readonly types?: readonly CloudEventType[] | null;
  readonly pii?: boolean;
  readonly enabled?: boolean;
  readonly rotateSecret?: boolean;
  /** Values that are refused unless the endpoint has just these: `description` and `url` under older rules. */
  readonly onlyAsStored?: readonly Fault[];
}

export interface ReplayFrom {
  readonly after?: Position;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

/** With the secret when it is a new one: to be shown, once. */
export interface Shown {
  readonly endpoint: WebhookEndpoint;
  readonly secret?: string;
}

export interface RegistryParts {
  readonly webhooks: Webhooks;
  readonly addresses: Addresses;
  readonly secrets: EndpointSecrets;
  readonly store: EventStore;
  readonly clock: Clock;
  /** Told of each change. */
  readonly wake: () => void;
}

/** What can be done with endpoints; a refusal is an ApiError. */
export class WebhookRegistry {
  constructor(private readonly parts: RegistryParts) {}

  /** Its first event is the first that is appended after this. @param mayPii whether the caller may see personal values */
  async create(wish: NewWebhook, mayPii: boolean): Promise<Shown> {
    const { webhooks, secrets, store, clock } = this.parts;
    if (wish.pii && !mayPii) throw personalValuesRefused();
    await this.checkUrl(wish.url);
    const id = `wh_${randomBytes(12).toString('base64url')}`;
    const { shown, secrets: sealed } = secrets.first(id);
    const after = await store.head();
    const now = clock.now();
    const endpoint: WebhookEndpoint = {
      ...wish,
      id,
      enabled: true,
      secrets: sealed,
      ...(after !== undefined && { after }),
      createdAt: now,
      updatedAt: now,
      version: 1,
    };
    await webhooks.add(endpoint);
    this.parts.wake();
    return { endpoint, secret: shown };
  }

  /** @throws ApiError */
  async get(id: string): Promise<WebhookEndpoint> {
    const endpoint = await this.parts.webhooks.find(id);
    if (endpoint === undefined) throw notFound();
    return endpoint;
  }

  list(): Promise<readonly WebhookEndpoint[]> {
    return this.parts.webhooks.list();
  }

  /** @throws ApiError */
  async change(id: string, changes: WebhookChanges, mayPii: boolean): Promise<Shown> {
    const { webhooks, clock } = this.parts;
    if (changes.url !== undefined) await this.checkUrl(changes.url);
    let secret: string | undefined;
    const { before, endpoint } = await this.update(id, (standing) => {
      refuseUnlessStored(changes, standing);
      const next = changed(standing, changes);
      const leads = next.pii && (!standing.pii || next.url !== standing.url);
      if (leads && !mayPii) throw personalValuesRefused();
      if (changes.rotateSecret !== true) return next;
      const rotated = this.parts.secrets.rotated(standing, clock.now());
      secret = rotated.shown;
      return { ...next, secrets: rotated.secrets };
    });
    // What failed while it was away is not told to wait any longer.
    if (endpoint.enabled && !before.enabled) await webhooks.restart(id, 'retrying', clock.now());
    this.parts.wake();
    return { endpoint, ...(secret !== undefined && { secret }) };
  }

  /** @throws ApiError */
  async remove(id: string): Promise<void> {
    if (!(await this.parts.webhooks.remove(id))) throw notFound();
    this.parts.wake();
  }

  /** Delivers again what stands in the log now. @throws ApiError */
  async replay(id: string, from: ReplayFrom): Promise<WebhookEndpoint> {
    await this.checkPlace(from.after);
    const until = await this.parts.store.head();
    const { endpoint } = await this.update(id, (standing) => {
      if (standing.replay !== undefined)
        throw ApiError.of('replay_in_progress', ERRORS.replay_in_progress.example.message);
      return until === undefined ? standing : { ...standing, replay: { id: randomUUID(), ...from, until } };
    });
    this.parts.wake();
    return endpoint;
  }

  /** Lets the lanes go on that were given up. @throws ApiError */
  async replayParked(id: string): Promise<WebhookEndpoint> {
    const endpoint = await this.get(id);
    await this.parts.webhooks.restart(id, 'parked', this.parts.clock.now());
    this.parts.wake();
    return endpoint;
  }

  private async update(
    id: string,
    change: (standing: WebhookEndpoint) => WebhookEndpoint,
  ): Promise<{ readonly before: WebhookEndpoint; readonly endpoint: WebhookEndpoint }> {
    for (;;) {
      const before = await this.get(id);
      const updatedAt = Math.max(this.parts.clock.now(), before.updatedAt);
      const endpoint = { ...change(before), updatedAt, version: before.version + 1 };
      if (await this.parts.webhooks.replace(endpoint, before.version)) return { before, endpoint };
    }
  }

  /** One that the log has not reached is of a later state of it, which was restored since: nobody could get there. */
  private async checkPlace(after: Position | undefined): Promise<void> {
    if (after === undefined) return;
    const { store } = this.parts;
    const end = await store.end();
    if (end === undefined || store.comparePositions(after, end) > 0) throw cursorGone('after');
  }

  private async checkUrl(url: string): Promise<void> {
    try {
      await this.parts.addresses.targetOf(url);
    } catch (error) {
      const refused = error instanceof AddressRefused || error instanceof NameUnresolved;
      throw refused ? ApiError.of('invalid_parameter', error.message, 'url') : error;
    }
  }
}

function refuseUnlessStored({ onlyAsStored = [], url, description }: WebhookChanges, standing: WebhookEndpoint): void {
  const isStored = ({ parameter }: Fault): boolean =>
    parameter === 'url' ? url === standing.url : description === standing.description;
  const refused = onlyAsStored.filter((fault) => !isStored(fault));
  if (hasFaults(refused)) throw new ApiError(refused);
}

function changed(standing: WebhookEndpoint, changes: WebhookChanges): WebhookEndpoint {
  const { description, types, gone, ...rest } = standing;
  const { url = rest.url, pii = rest.pii, enabled = rest.enabled } = changes;
  const text = changes.description === undefined ? description : (changes.description ?? undefined);
  const wanted = changes.types === undefined ? types : (changes.types ?? undefined);
  return {
    ...rest,
    url,
    pii,
    enabled,
    ...(text !== undefined && { description: text }),
    ...(wanted !== undefined && { types: wanted }),
    ...(gone === true && !enabled && { gone }),
  };
}
