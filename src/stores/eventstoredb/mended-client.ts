import { Duplex } from 'node:stream';
import { EventStoreDBClient } from '@eventstore/db-client';
import serverFeatures from '@eventstore/db-client/dist/Client/ServerFeatures.js';
import { UrlRefused } from '../url-refused.js';
import { mendAppends } from './append-stream.js';
import { ResendPolicy } from './resend-policy.js';
import { type ConnectionCheck, verifyConnections } from './verified-connections.js';

/** The parts of the client, private to it, that have to be mended. Its version is pinned: see docs/adr/0008. */
const PARTS = ['GRPCStreamCreator', 'handleError', 'dispose', 'execute', 'supports'] as const;
type Part = (...args: unknown[]) => unknown;

/**
 * Opens a client in which a broken connection can neither end the process nor hang a call for ever.
 * @param appendMs how long an append is waited for
 * @param check of each new connection, before anything else goes over it
 * @throws UrlRefused the URL can't be read; the message does not repeat it, since it may hold a password
 */
export function openClient(url: string, appendMs: number, check?: ConnectionCheck): EventStoreDBClient {
  const client = connect(url);
  const policy = new ResendPolicy();
  const [createStream, handleError, dispose, execute] = PARTS.map((name) => partOf(client, name)) as [
    Part,
    Part,
    Part,
    Part,
  ];
  let newest: unknown;
  const replace = (name: (typeof PARTS)[number], part: Part): boolean => Reflect.set(client, name, part);

  replace('GRPCStreamCreator', (kind, name, create, cache) =>
    createStream.call(
      client,
      kind,
      name,
      (grpc: unknown) => {
        newest = grpc;
        const stream: unknown = (create as Part)(grpc);
        if (stream instanceof Duplex) mendAppends(stream, policy, appendMs);
        return stream;
      },
      cache,
    ),
  );
  // It is not waited for, and fails when the next node can't be found: an unhandled rejection.
  replace('handleError', (...args) => Promise.resolve(handleError.apply(client, args)).catch(() => undefined));
  // What the server can do is asked once, before the first append. Most ways to fail in that are remembered for good, and
  // with them no append succeeds again, while reads do.
  let features: Promise<{ supports: Part }> | undefined;
  replace('supports', async (...args) => {
    const question = serverFeatures.ServerFeatures.createServerFeatures;
    const asked = (features ??= Promise.resolve(execute.apply(client, question)) as Promise<{ supports: Part }>);
    try {
      return (await asked).supports(...args);
    } catch (error) {
      if (features === asked) features = undefined;
      throw error;
    }
  });
  // It cancels the calls and leaves the connection.
  replace('dispose', async () => {
    await dispose.call(client);
    if (hasClose(newest)) newest.close();
  });
  if (check !== undefined) verifyConnections(client, check);
  return client;
}

function connect(url: string): EventStoreDBClient {
  try {
    return EventStoreDBClient.connectionString(url);
  } catch {
    throw new UrlRefused(
      'The URL of the event log must be like esdb://host:2113?tls=false or esdb+discover://host:2113, and the files of ' +
        'certificates that it names must be there',
    );
  }
}

function partOf(client: EventStoreDBClient, name: string): Part {
  const part: unknown = Reflect.get(client, name);
  if (typeof part !== 'function') throw new Error(`This version of @eventstore/db-client has no ${name}`);
  return part as Part;
}

const hasClose = (client: unknown): client is { close(): void } =>
  typeof client === 'object' && client !== null && 'close' in client && typeof client.close === 'function';
