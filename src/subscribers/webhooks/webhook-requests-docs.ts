import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import { CloudEventResponse } from '../event-responses.js';
import { EXAMPLE } from '../events.docs.js';

const header = (name: string, description: string, example: string): object => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
  example,
});

const HEADERS = [
  header('webhook-id', "The event's id, the same for every attempt: pass over what you have seen.", EXAMPLE.id),
  header(
    'webhook-timestamp',
    'Of the attempt, seconds since the epoch. Refuse what is older than five minutes.',
    '1767225600',
  ),
  header(
    'webhook-signature',
    'Base64 of HMAC-SHA-256 over `webhook-id.webhook-timestamp.body`, behind `v1,`; several, separated by spaces, while the ' +
      'secret is changed. One that is right is enough.',
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ),
];

/** What is sent to the endpoints: the `webhooks` of OpenAPI 3.1. */
export const webhookRequests = (): NonNullable<OpenAPIObject['webhooks']> => ({
  customerEvent: {
    post: {
      operationId: 'customerEvent',
      tags: ['Webhooks'],
      summary: 'An event of a customer',
      description:
        'Signed after Standard Webhooks 1.0.0. Comes at least once, and for each customer strictly in the order of `sequence`: ' +
        'the next one is sent once this one is acknowledged. Answer within 10 seconds.',
      security: [],
      parameters: HEADERS as never[],
      requestBody: {
        required: true,
        content: {
          'application/cloudevents+json': {
            schema: { $ref: getSchemaPath(CloudEventResponse) },
            examples: { event: { value: EXAMPLE } },
          },
        },
      },
      responses: {
        '2XX': { description: 'Acknowledged. The body is not looked at.' },
        '410': { description: 'Nothing is wanted any more: the webhook is disabled.' },
        '429': { description: 'Tried again, not before `Retry-After`; so is 503.' },
        default: {
          description: 'Anything else, redirects too, is a failure: tried again with growing pauses for 72 hours.',
        },
      },
    },
  },
});
