import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js';
import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type shared from '@eventstore/db-client/generated/shared_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Appends } from './appends.js';
import { Faults } from './faults.js';
import { Reads, type Sent } from './reads.js';
import { gossipOf } from './gossip.js';
import { RecordedLog } from './recorded-log.js';
import { Wire } from './wire.js';

const TURNS = 20;
const LARGEST_MESSAGE = 17 * 1024 * 1024;

/**
 * A server that speaks as much of EventStoreDB's protocol as `@eventstore/db-client` uses, with faults on demand. What
 * was observed on a real server is kept; server.spec.ts says what that is, through the client itself.
 */
export class EventStoreDbServer {
  readonly faults: Faults;
  private readonly appends: Appends;
  private readonly reads: Reads;

  private constructor(
    private readonly server: Server,
    readonly log: RecordedLog,
    readonly wire: Wire,
  ) {
    this.faults = new Faults(log, wire);
    this.appends = new Appends(log, this.faults, wire);
    this.reads = new Reads(log, this.faults);
  }

  static async start(): Promise<EventStoreDbServer> {
    const server = new Server({ 'grpc.max_receive_message_length': LARGEST_MESSAGE });
    const bind = promisify(server.bindAsync.bind(server));
    const port = await bind('127.0.0.1:0', ServerCredentials.createInsecure());
    const started = new EventStoreDbServer(server, new RecordedLog(), new Wire(port));
    started.serve();
    await started.wire.up();
    return started;
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.wire.port}?tls=false`;
  }

  /** How many appends have come in. */
  get appendsReceived(): number {
    return this.appends.received;
  }

  get sent(): Readonly<Sent> {
    return this.reads.sent;
  }

  /** Killed and started again on the same disk: what it knew by heart is gone. */
  async restart(): Promise<void> {
    await this.wire.down();
    this.log.forgetRecent();
    await this.wire.up();
  }

  /** Stopped, its disk changed, and started again. */
  async restartWith(change: (log: RecordedLog) => void): Promise<void> {
    await this.wire.down();
    // What had arrived is done in these turns of the event loop; a process that has ended does nothing after its end.
    for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
    change(this.log);
    await this.wire.up();
  }

  async stop(): Promise<void> {
    this.faults.lift();
    await this.wire.down();
    this.server.forceShutdown();
  }

  private serve(): void {
    const { append, batchAppend, delete: softDelete, tombstone } = this.appends;
    const { read } = this.reads;
    this.server.addService(streamsService.StreamsService, {
      append,
      batchAppend,
      delete: softDelete,
      tombstone,
      read: (call: Parameters<typeof read>[0]) => void read(call),
    });
    const { faults } = this;
    this.server.addService(featuresService.ServerFeaturesService, {
      getSupportedMethods: (...[call, respond]: Parameters<typeof getSupportedMethods>) => {
        const refusal = faults.featuresRefusal();
        void faults.late().then(() => {
          if (refusal === undefined) getSupportedMethods(call, respond);
          else respond(refusal);
        });
      },
    });
    this.server.addService(gossipService.GossipService, { read: gossipOf(() => this.wire.port) });
  }
}

function getSupportedMethods(
  _call: ServerUnaryCall<shared.Empty, features.SupportedMethods>,
  respond: sendUnaryData<features.SupportedMethods>,
): void {
  const supported = new features.SupportedMethods();
  supported.setEventStoreServerVersion('26.1.0');
  for (const name of ['Append', 'BatchAppend', 'Delete', 'Read', 'Tombstone']) {
    const method = new features.SupportedMethod();
    method.setServiceName('event_store.client.streams.Streams');
    method.setMethodName(name);
    supported.addMethods(method);
  }
  respond(null, supported);
}
