import { type ServerWritableStream, status } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Faults } from './faults.js';
import {
  eventMessage,
  invalidPosition,
  nameOf,
  type Refusal,
  streamDeleted,
  streamNotFoundMessage,
} from './messages.js';
import type { Recorded, RecordedLog } from './recorded-log.js';
import { Subscription } from './subscription.js';

export type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

/** What the server has sent in answer to reads and subscriptions, and how many records it looked at for the latter. */
export interface Sent {
  /** By stream; `$all` is one. */
  readonly reads: Map<string, number>;
  events: number;
  marks: number;
  scanned: number;
  /** Calls that a node which does not lead would have answered as well, from what it has by then. */
  byAnyNode: number;
}

/** Reading a stream or `$all`, in either direction, and following `$all`. */
export class Reads {
  readonly sent: Sent = { reads: new Map(), events: 0, marks: 0, scanned: 0, byAnyNode: 0 };

  constructor(
    private readonly log: RecordedLog,
    private readonly faults: Faults,
  ) {}

  readonly read = async (call: ReadCall): Promise<void> => {
    await this.faults.reads.pass();
    await this.faults.late();
    if (call.metadata.get('requires-leader')[0] !== 'true') this.sent.byAnyNode += 1;
    const options = call.request.getOptions();
    const refusal = options === undefined ? notServed : (this.faults.refusal() ?? this.serve(call, options));
    if (refusal !== undefined && !call.cancelled) call.emit('error', refusal);
  };

  private serve(call: ReadCall, options: streams.ReadReq.Options): Refusal | undefined {
    const all = options.getAll();
    if (options.hasSubscription()) {
      const start = all && this.startOf(all);
      if (start === undefined) return all ? invalidPosition : notServed;
      void new Subscription(call, options, this.log, this.faults, this.sent).run(start);
      return undefined;
    }
    const count = Number(options.getCount());
    const found = all ? this.readAll(all, isBackwards(options), count) : this.readStream(call, options);
    if (!Array.isArray(found)) return found;
    const name = all ? '$all' : nameOf(options.getStream()?.getStreamIdentifier());
    this.sent.reads.set(name, (this.sent.reads.get(name) ?? 0) + 1);
    void this.answer(call, found.slice(0, count), this.faults.readHangsAfter(name));
    return undefined;
  }

  private async answer(call: ReadCall, found: readonly Recorded[], hangsAfter = Infinity): Promise<void> {
    for (const [at, recorded] of found.entries()) {
      if (at === hangsAfter) await this.faults.rests.pass();
      if (call.cancelled) return;
      this.sent.events += 1;
      call.write(eventMessage(recorded));
    }
    if (hangsAfter === found.length) await this.faults.rests.pass();
    call.end();
  }

  /** From a position on, with what stands there; backwards only what stands before it. */
  private readAll(all: streams.ReadReq.Options.AllOptions, backwards: boolean, count: number): Recorded[] | Refusal {
    const { records } = this.log;
    const position = all.getPosition();
    const given = position && this.log.place(BigInt(position.getCommitPosition()));
    if (position !== undefined && given === undefined) return invalidPosition;
    const place = given ?? (all.hasEnd() ? records.length : 0);
    return backwards ? records.slice(Math.max(0, place - count), place).reverse() : records.slice(place, place + count);
  }

  private readStream(call: ReadCall, options: streams.ReadReq.Options): Recorded[] | Refusal {
    const wanted = options.getStream();
    const name = nameOf(wanted?.getStreamIdentifier());
    if (this.log.isDeleted(name)) return streamDeleted(name);
    const present = this.log.stream(name);
    if (present.length === 0) call.write(streamNotFoundMessage(name));
    const revision = BigInt(wanted?.getRevision() ?? 0);
    if (isBackwards(options)) {
      return present.filter((one) => wanted?.hasEnd() === true || BigInt(one.revision) <= revision).reverse();
    }
    return present.filter((one) => wanted?.hasEnd() !== true && BigInt(one.revision) >= revision);
  }

  /** Exclusive. Past the end of the log is a place too, where nothing ever comes; undefined where no record begins. */
  private startOf(all: streams.ReadReq.Options.AllOptions): number | undefined {
    const position = all.getPosition();
    if (position === undefined) return all.hasEnd() ? this.log.records.length : 0;
    const [commit, prepare] = [BigInt(position.getCommitPosition()), BigInt(position.getPreparePosition())];
    if (commit > this.log.end) return Infinity;
    const place = this.log.place(commit);
    // A checkpoint has a prepare of 0: before the event that begins there.
    return place !== undefined && commit < this.log.end && prepare >= commit ? place + 1 : place;
  }
}

const isBackwards = (options: streams.ReadReq.Options): boolean =>
  options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;

const notServed: Refusal = { code: status.UNIMPLEMENTED, details: 'This server does without it' };
