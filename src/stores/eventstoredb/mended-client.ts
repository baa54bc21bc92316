import { Duplex } from 'node:stream';
import { EventStoreDBClient } from '@eventstore/db-client';
import serverFeatures from '@eventstore/db-client/dist/Client/ServerFeatures.js';
import { UrlRefused } from '../url-refused.js';
import { type ConnectionCheck, verifyConnections } from './verified-connections.js';

/** The parts of the client, private to it, that have to be mended. Its version is pinned: see docs/adr/0008. */
const PARTS = ['GRPCStreamCreator', 'handleError', 'dispose', 'execute', 'supports'] as const;
type Part = (...args: unknown[]) => unknown;

/** The server closed the stream of appends without an error. */
class AppendStreamEnded extends Error {
  override readonly name = 'AppendStreamEnded';
}

/**
 * Opens a client in which a broken connection can neither end the process nor hang a call for ever.
 * @param check of each new connection, before anything else goes over it
 * @throws UrlRefused the URL can't be read; the message does not repeat it, since it may hold a password
 */
export function openClient(url: string, check?: ConnectionCheck): EventStoreDBClient {
  const client = connect(url);
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
        if (stream instanceof Duplex) mendAppends(stream);
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

/** The one stream on which all appends go out and all their answers come back. */
function mendAppends(stream: Duplex): void {
  // When a stream breaks, the client forgets the appends of every stream, and an answer to a forgotten one throws where
  // nobody catches.
  for (const listener of stream.listeners('data')) {
    stream.off('data', listener as Part);
    stream.on('data', (answer: unknown) => {
      try {
        Reflect.apply(listener, stream, [answer]);
      } catch {
        // Its append has been answered as unknown.
      }
    });
  }
  // Told to wait, the client queues; the queue of a stream that breaks is an unhandled rejection for each entry. What
  // waits is bounded by the time-out of each append.
  const write: unknown = stream.write.bind(stream);
  Reflect.set(stream, 'write', (message: unknown) => {
    Reflect.apply(write as Part, stream, [message]);
    return true;
  });
  // A stream that the server has closed cleanly is written to for ever, and never answers.
  let failed = false;
  stream.once('error', () => (failed = true));
  stream.once('end', () => stream.destroy(failed ? undefined : new AppendStreamEnded()));
}

const hasClose = (client: unknown): client is { close(): void } =>
  typeof client === 'object' && client !== null && 'close' in client && typeof client.close === 'function';
