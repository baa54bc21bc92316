import { randomUUID } from 'node:crypto';
import type { Clock } from '../../event-sourcing/clock.js';
import type { CloudEvent } from '../cloud-event.js';
import type { EndpointSecrets } from './endpoint-secrets.js';
import type { Answer, Sender } from './sender.js';
import { signedHeaders } from './signature.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

type Receiver = Pick<WebhookEndpoint, 'id' | 'url' | 'secrets'>;

/** Signs a message for an endpoint and sends it, once. */
export class Delivery {
  constructor(
    private readonly secrets: EndpointSecrets,
    private readonly sender: Sender,
    private readonly clock: Clock,
  ) {}

  event(receiver: Receiver, event: CloudEvent, signal: AbortSignal, attempt = 0): Promise<Answer> {
    return this.send(receiver, event.id, event, signal, attempt);
  }

  /** So that a receiver can be tried out: an event that says nothing of any customer. */
  test(receiver: Receiver, source: string, signal: AbortSignal): Promise<Answer> {
    const id = randomUUID();
    const body = {
      specversion: '1.0',
      id,
      source,
      type: 'webhook.test',
      time: new Date(this.clock.now()).toISOString(),
      datacontenttype: 'application/json',
      data: { webhookId: receiver.id },
    };
    return this.send(receiver, id, body, signal, 0);
  }

  private send(receiver: Receiver, id: string, content: object, signal: AbortSignal, attempt: number): Promise<Answer> {
    const at = this.clock.now();
    const body = JSON.stringify(content);
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'customers-webhooks/1.0',
      ...signedHeaders({ id, at, body }, this.secrets.open(receiver, at)),
    };
    return this.sender.send(receiver.url, { headers, body }, signal, attempt);
  }
}
