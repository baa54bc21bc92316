import { EventStoreDBClient, UnavailableError } from '@eventstore/db-client';

/** What must hold of each connection before the client uses it. */
export interface ConnectionCheck {
  /** Whether a connection that was found good must be checked again. */
  readonly isInDoubt: boolean;
  /** @throws AnotherLog the last check said so, and it is too early for the next */
  refuse(): void;
  /**
   * @param client uses the new connection and no other
   * @throws AnotherLog, or an error of the client
   */
  verify(client: EventStoreDBClient): Promise<void>;
}

type Part = (...args: unknown[]) => unknown;

/** gRPC's channel, as far as it is used here. */
interface Channel {
  close(): void;
  getConnectivityState(connect: boolean): number;
  watchConnectivityState(from: number, deadline: number, changed: () => void): void;
}

/** States of a channel: https://grpc.github.io/grpc/core/md_doc_connectivity-semantics-and-api.html */
const READY = 2;
const TRANSIENT_FAILURE = 3;
const SHUTDOWN = 4;

/**
 * Makes a client send nothing over a connection that has not been checked. A gRPC channel reconnects without a word, so
 * here a channel serves one connection only: it is closed in the moment its connection breaks, which also fails what still
 * waits to be sent, and the next channel is checked before it is handed out.
 */
export function verifyConnections(client: EventStoreDBClient, check: ConnectionCheck): void {
  const [getChannel, handleError, dispose] = ['getChannel', 'handleError', 'dispose'].map((name) =>
    partOf(client, name),
  ) as [Part, Part, Part];
  const connections = new WeakMap<object, Connection>();
  let current: Connection | undefined;

  /** The client gives its channel up, and looks for another node where it knows several. */
  const giveUp = async (connection: Connection, error: unknown): Promise<void> => {
    const owner = { getChannel: () => connection.channel };
    await Promise.resolve(handleError.call(client, owner, error)).catch(() => undefined);
  };
  const connect = async (): Promise<Connection> => {
    for (;;) {
      const channel = (await getChannel.call(client)) as Channel;
      const known = connections.get(channel);
      if (known?.isClosed === true) {
        await giveUp(known, new UnavailableError());
        continue;
      }
      current = known ?? new Connection(channel);
      connections.set(channel, current);
      return current;
    }
  };

  Reflect.set(client, 'getGRPCClient', async (service: ServiceClient) => {
    check.refuse();
    const connection = await connect();
    if (!connection.isVerified || check.isInDoubt) {
      await connection.verify(client, check).catch(async (error: unknown) => {
        await giveUp(connection, error);
        throw error;
      });
    }
    return connection.clientOf(service);
  });
  Reflect.set(client, 'dispose', async () => {
    await dispose.call(client);
    current?.close();
  });
}

/** Resolves once the client has a connection that may be used. @throws AnotherLog, or an error of the client */
export async function connected(client: EventStoreDBClient, service: unknown): Promise<void> {
  await partOf(client, 'getGRPCClient').call(client, service);
}

type ServiceClient = new (address: null, credentials: null, options: { readonly channelOverride: Channel }) => object;

/** A channel from its first connection to the end of that. */
class Connection {
  isVerified = false;
  isClosed = false;
  private wasReady = false;
  private verifying: Promise<void> | undefined;
  private readonly clients = new Map<ServiceClient, object>();

  constructor(readonly channel: Channel) {
    this.watch();
  }

  clientOf(service: ServiceClient): object {
    const client = this.clients.get(service) ?? new service(null, null, { channelOverride: this.channel });
    this.clients.set(service, client);
    return client;
  }

  /** Once for all who wait. */
  verify(client: EventStoreDBClient, check: ConnectionCheck): Promise<void> {
    this.verifying ??= this.ask(client, check).finally(() => (this.verifying = undefined));
    return this.verifying;
  }

  close(): void {
    this.isClosed = true;
    this.channel.close();
  }

  private async ask(client: EventStoreDBClient, check: ConnectionCheck): Promise<void> {
    await check.verify(this.alone(client));
    // It broke since, and what was found holds no longer.
    if (this.isClosed) throw new UnavailableError();
    this.isVerified = true;
  }

  /** The same client on this channel, without the check. */
  private alone(client: EventStoreDBClient): EventStoreDBClient {
    const alone: unknown = Object.create(client);
    if (!(alone instanceof EventStoreDBClient)) throw new TypeError('This is no client');
    const create = (service: ServiceClient, _name: string, begin: Part) => async () => begin(this.clientOf(service));
    Object.defineProperty(alone, 'GRPCStreamCreator', { value: create });
    return alone;
  }

  /** gRPC calls the watcher in the turn in which the state changes, before it can connect anew. */
  private watch(): void {
    const state = this.channel.getConnectivityState(false);
    if (state === SHUTDOWN) this.isClosed = true;
    else if (this.wasReady && state !== READY) this.close();
    // It never connected. Not closed at once: the channel is in the middle of telling who waits for it.
    else if (state === TRANSIENT_FAILURE) setImmediate(() => this.close());
    else {
      this.wasReady = state === READY;
      this.channel.watchConnectivityState(state, Infinity, () => this.watch());
    }
  }
}

function partOf(client: EventStoreDBClient, name: string): Part {
  const part: unknown = Reflect.get(client, name);
  if (typeof part !== 'function') throw new Error(`This version of @eventstore/db-client has no ${name}`);
  return part as Part;
}
