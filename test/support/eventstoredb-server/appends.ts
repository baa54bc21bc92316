import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { sendUnaryData, ServerDuplexStream, ServerReadableStream, ServerUnaryCall } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Faults } from './faults.js';
import {
  appendAnswer,
  batchAnswer,
  batchNoLeader,
  batchNotReady,
  batchTimedOut,
  expectationOf,
  nameOf,
  notReady,
  proposedOf,
  type Refusal,
  streamDeleted,
  timedOut,
} from './messages.js';
import type { Answered, Expectation, Proposed, RecordedLog } from './recorded-log.js';
import type { Wire } from './wire.js';

interface Append {
  readonly stream: string;
  readonly expected: Expectation;
  readonly events: Proposed[];
  /** Until when it may begin to be written, milliseconds since the epoch by the client's clock. */
  readonly deadline?: number | undefined;
}

type Reply =
  | Answered
  | { readonly kind: 'not_ready' | 'no_leader' }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'silence' }
  | { readonly kind: 'closed_cleanly' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The two ways of appending: a call for each, or one call that all of a client's appends share. */
export class Appends {
  /** How many have come in, sent again or not. */
  received = 0;

  constructor(
    private readonly log: RecordedLog,
    private readonly faults: Faults,
    private readonly wire: Wire,
  ) {}

  readonly append = (
    call: ServerReadableStream<streams.AppendReq, streams.AppendResp>,
    respond: sendUnaryData<streams.AppendResp>,
  ): void => {
    let append: Append | undefined;
    call.on('data', (request: streams.AppendReq) => {
      const [options, message] = [request.getOptions(), request.getProposedMessage()];
      if (options !== undefined) append = { ...targetOf(options, options.getRevision()), events: [] };
      if (message !== undefined) append?.events.push(proposedOf(message));
    });
    call.on('end', () => {
      // A call that is broken off ends too, before its events have come.
      if (append === undefined || append.events.length === 0) return;
      void this.answer(append, respond);
    });
  };

  readonly batchAppend = (call: ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>): void => {
    const unfinished = new Map<string, Append>();
    call.on('data', (request: streams.BatchAppendReq) => {
      const id = request.getCorrelationId()?.getString() ?? '';
      const options = request.getOptions();
      if (options !== undefined) {
        const deadline = options.getDeadline()?.toDate().getTime();
        unfinished.set(id, { ...targetOf(options, options.getStreamPosition()), events: [], deadline });
      }
      const append = unfinished.get(id);
      if (append === undefined) return;
      append.events.push(...request.getProposedMessagesList().map(proposedOf));
      if (!request.getIsFinal()) return;
      unfinished.delete(id);
      void this.answerInBatch(call, request, append);
    });
    call.on('end', () => call.end());
  };

  readonly delete = (
    call: ServerUnaryCall<streams.DeleteReq, streams.DeleteResp>,
    respond: sendUnaryData<streams.DeleteResp>,
  ): void => {
    this.log.softDelete(nameOf(call.request.getOptions()?.getStreamIdentifier()));
    respond(null, new streams.DeleteResp());
  };

  readonly tombstone = (
    call: ServerUnaryCall<streams.TombstoneReq, streams.TombstoneResp>,
    respond: sendUnaryData<streams.TombstoneResp>,
  ): void => {
    this.log.tombstone(nameOf(call.request.getOptions()?.getStreamIdentifier()));
    respond(null, new streams.TombstoneResp());
  };

  private async answer(append: Append, respond: sendUnaryData<streams.AppendResp>): Promise<void> {
    const reply = await this.perform(append);
    await this.faults.late();
    if (reply.kind === 'appended' || reply.kind === 'wrong_version') {
      respond(null, appendAnswer(append.expected, reply));
      return;
    }
    const refusal = refusalOf(append, reply);
    if (refusal !== undefined) respond(refusal);
  }

  private async answerInBatch(
    call: ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>,
    request: streams.BatchAppendReq,
    append: Append,
  ): Promise<void> {
    const reply = await this.perform(append);
    await this.faults.late();
    if (call.cancelled || !call.writable) return;
    if (reply.kind === 'closed_cleanly') call.end();
    else if (reply.kind === 'refused') call.emit('error', reply.refusal);
    else {
      const response = batchResponse(append, reply);
      if (response !== undefined) call.write(response.setCorrelationId(request.getCorrelationId()));
    }
  }

  private async perform(append: Append): Promise<Reply> {
    const { stream } = append;
    this.received += 1;
    // Of a batch it is a time of day, which the server compares with its own clock.
    if ((append.deadline ?? Infinity) <= Date.now() + this.faults.clockAheadMs) return { kind: 'timed_out' };
    await this.faults.appends.pass();
    if (this.faults.writesTakeMs > 0) await delay(this.faults.writesTakeMs);
    if (this.faults.isStarting) return { kind: 'not_ready' };
    const refusal = this.faults.leaderElsewhere();
    if (refusal !== undefined) return { kind: 'refused', refusal };
    const fault = this.faults.nextAppend();
    switch (fault) {
      case undefined:
        return this.write(append);
      case 'answer_lost':
        void this.write(append);
        this.wire.cut();
        return { kind: 'silence' };
      case 'answer_withheld':
        void this.write(append);
        return { kind: 'silence' };
      case 'timed_out':
        void this.write(append);
        return { kind: 'timed_out' };
      case 'dropped':
        this.wire.cut();
        return { kind: 'silence' };
      case 'wrong_revision':
        return { kind: 'wrong_version', current: this.log.stream(stream).at(-1)?.revision };
      case 'not_ready':
      case 'no_leader':
      case 'closed_cleanly':
        return { kind: fault };
      default:
        return fault satisfies never;
    }
  }

  /** Answered once it is in the index. The same append while it is not there yet is dropped without a word. */
  private async write({ stream, expected, events }: Append): Promise<Reply> {
    const outcome = this.log.append(stream, expected, events);
    if (outcome.kind === 'not_indexed') return { kind: 'silence' };
    if (outcome.kind !== 'appended' || outcome.repeated) return outcome;
    this.log.unindexed.add(outcome.last);
    if (this.faults.indexingTakesMs > 0) await delay(this.faults.indexingTakesMs);
    await nextTurn();
    await this.faults.indexing.pass();
    this.log.unindexed.delete(outcome.last);
    return outcome;
  }
}

function refusalOf(
  { stream }: Append,
  reply: Exclude<Reply, { kind: 'appended' } | { kind: 'wrong_version' }>,
): Refusal | undefined {
  switch (reply.kind) {
    case 'deleted':
      return streamDeleted(stream);
    case 'not_ready':
    case 'no_leader':
      return notReady;
    case 'timed_out':
      return timedOut;
    case 'refused':
      return reply.refusal;
    case 'silence':
    case 'closed_cleanly':
      return undefined;
    default:
      return reply satisfies never;
  }
}

function batchResponse(
  { stream, expected }: Append,
  reply: Exclude<Reply, { kind: 'refused' }>,
): streams.BatchAppendResp | undefined {
  switch (reply.kind) {
    case 'not_ready':
      return batchNotReady(stream);
    case 'no_leader':
      return batchNoLeader(stream);
    case 'timed_out':
      return batchTimedOut(stream);
    case 'silence':
    case 'closed_cleanly':
      return undefined;
    case 'appended':
    case 'wrong_version':
    case 'deleted':
      return batchAnswer(stream, expected, reply);
    default:
      return reply satisfies never;
  }
}

type Options = streams.AppendReq.Options | streams.BatchAppendReq.Options;

const targetOf = (options: Options, revision: string): Pick<Append, 'stream' | 'expected'> => ({
  stream: nameOf(options.getStreamIdentifier()),
  expected: expectationOf(options, revision),
});
