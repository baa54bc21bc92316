import { randomUUID } from 'node:crypto';
import type { Clock } from '../../event-sourcing/clock.js';
import type { CloudEvent } from '../cloud-event.js';
import type { EndpointSecrets } from './endpoint-secrets.js';
import type { Answer, Message, Sender } from './sender.js';
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

  /** @param make see {@link Sender.send}; what it throws is thrown */
  event(receiver: Receiver, make: () => Promise<CloudEvent>, signal: AbortSignal, attempt = 0): Promise<Answer> {
    return this.send(receiver, make, signal, attempt);
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
    return this.send(receiver, () => Promise.resolve(body), signal, 0);
  }

  private send(
    receiver: Receiver,
    make: () => Promise<{ readonly id: string }>,
    signal: AbortSignal,
    attempt: number,
  ): Promise<Answer> {
    const signed = async (): Promise<Message> => this.sign(receiver, await make());
    return this.sender.send(receiver.url, signed, signal, attempt);
  }

  private sign(receiver: Receiver, content: { readonly id: string }): Message {
    const at = this.clock.now();
    const body = JSON.stringify(content);
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'customers-webhooks/1.0',
      ...signedHeaders({ id: content.id, at, body }, this.secrets.open(receiver, at)),
    };
    return { headers, body };
  }
}
