import { ApiError, fault } from '../../http/errors.js';
import { TestClock } from '../../../test/support/test-clock.js';
import { readNewWebhook, readWebhookChanges } from './dto/read-webhook-requests.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import { type RegistryParts, WebhookRegistry } from './webhook-registry.js';

const STORED: WebhookEndpoint = {
  id: 'wh_1',
  url: 'https://example.com/\thook',
  description: 'two\u0000halves',
  pii: false,
  enabled: true,
  secrets: [],
  createdAt: 0,
  updatedAt: 0,
  version: 1,
};

/** A registry of one endpoint, which an older release let in. */
function registryOf(endpoint: WebhookEndpoint): WebhookRegistry {
  const parts = {
    webhooks: { find: async () => endpoint, replace: async () => true },
    addresses: { targetOf: async () => undefined },
    clock: new TestClock(),
    wake: () => undefined,
  };
  return new WebhookRegistry(parts as unknown as RegistryParts);
}

async function change(body: Readonly<Record<string, string>>): Promise<unknown> {
  try {
    const { endpoint } = await registryOf(STORED).change('wh_1', readWebhookChanges('wh_1', body), false);
    return { url: endpoint.url, description: endpoint.description };
  } catch (error) {
    if (error instanceof ApiError) return error.faults.map(({ code, parameter }) => `${code} ${String(parameter)}`);
    throw error;
  }
}

describe('a webhook that an older release let in', () => {
  it('keeps its text and its URL when they are sent back unchanged', async () => {
    const { url, description = '' } = STORED;
    expect(await change({ url, description })).toEqual({ url, description });
    expect(await change({ description, url: 'https://example.org/' })).toEqual({
      url: 'https://example.org/',
      description,
    });
  });

  it('takes no others of the kind, and names them all', async () => {
    expect(await change({ url: 'https://example.com/\nhook', description: 'three\u0000halves' })).toEqual([
      'invalid_parameter url',
      'invalid_parameter description',
    ]);
    expect(() => readNewWebhook({ url: STORED.url })).toThrow(new ApiError([fault('invalid_parameter', 'any', 'url')]));
  });

  it('can have a description of several lines', async () => {
    expect(await change({ description: 'one\n\ttwo' })).toMatchObject({ description: 'one\n\ttwo' });
  });
});
