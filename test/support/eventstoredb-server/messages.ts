import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import rpc from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import type { Answered, Expectation, Proposed, Recorded } from './recorded-log.js';

export type Refusal = Partial<StatusObject> & { readonly code: status };

const TICKS_PER_MS = 10_000n;
type ExpectedRevision = Pick<streams.AppendReq.Options, 'hasAny' | 'hasNoStream' | 'hasStreamExists'>;

export const nameOf = (identifier: shared.StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');

export const identifierOf = (stream: string): shared.StreamIdentifier => {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream, 'utf8'));
  return identifier;
};

export const expectationOf = (options: ExpectedRevision, revision: string): Expectation => {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no_stream';
  return options.hasStreamExists() ? 'stream_exists' : Number(revision);
};

export const proposedOf = (
  message: streams.AppendReq.ProposedMessage | streams.BatchAppendReq.ProposedMessage,
): Proposed => ({
  id: message.getId()?.getString() ?? '',
  type: message.getMetadataMap().get('type') ?? '',
  contentType: message.getMetadataMap().get('content-type') ?? '',
  data: message.getData_asU8(),
  metadata: message.getCustomMetadata_asU8(),
});

export const eventMessage = (recorded: Recorded): streams.ReadResp => {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent();
  const id = new shared.UUID();
  id.setString(recorded.id);
  event.setId(id);
  event.setStreamIdentifier(identifierOf(recorded.stream));
  event.setStreamRevision(String(recorded.revision));
  event.setCommitPosition(String(recorded.position));
  event.setPreparePosition(String(recorded.position));
  event.getMetadataMap().set('type', recorded.type);
  event.getMetadataMap().set('content-type', recorded.contentType);
  event.getMetadataMap().set('created', String(BigInt(recorded.created) * TICKS_PER_MS));
  event.setData(recorded.data);
  event.setCustomMetadata(recorded.metadata);
  const read = new streams.ReadResp.ReadEvent();
  read.setEvent(event);
  read.setCommitPosition(String(recorded.position));
  const response = new streams.ReadResp();
  response.setEvent(read);
  return response;
};

export const checkpointMessage = (commit: bigint, prepare: bigint): streams.ReadResp => {
  const checkpoint = new streams.ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(commit));
  checkpoint.setPreparePosition(String(prepare));
  const response = new streams.ReadResp();
  response.setCheckpoint(checkpoint);
  return response;
};

export const caughtUpMessage = (): streams.ReadResp => {
  const response = new streams.ReadResp();
  response.setCaughtUp(new streams.ReadResp.CaughtUp());
  return response;
};

export const confirmationMessage = (): streams.ReadResp => {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(crypto.randomUUID());
  const response = new streams.ReadResp();
  response.setConfirmation(confirmation);
  return response;
};

export const streamNotFoundMessage = (stream: string): streams.ReadResp => {
  const notFound = new streams.ReadResp.StreamNotFound();
  notFound.setStreamIdentifier(identifierOf(stream));
  const response = new streams.ReadResp();
  response.setStreamNotFound(notFound);
  return response;
};

/** The answer of the classic append. */
export function appendAnswer(
  expected: Expectation,
  outcome: Exclude<Answered, { kind: 'deleted' }>,
): streams.AppendResp {
  const response = new streams.AppendResp();
  switch (outcome.kind) {
    case 'appended': {
      const position = new streams.AppendResp.Position();
      position.setCommitPosition(String(outcome.last.position));
      position.setPreparePosition(String(outcome.last.position));
      const success = new streams.AppendResp.Success();
      success.setCurrentRevision(String(outcome.last.revision));
      success.setPosition(position);
      response.setSuccess(success);
      return response;
    }
    case 'wrong_version': {
      const wrong = new streams.AppendResp.WrongExpectedVersion();
      if (outcome.current === undefined) wrong.setCurrentNoStream(new shared.Empty());
      else wrong.setCurrentRevision(String(outcome.current));
      if (expected === 'no_stream') wrong.setExpectedNoStream(new shared.Empty());
      else if (typeof expected === 'number') wrong.setExpectedRevision(String(expected));
      response.setWrongExpectedVersion(wrong);
      return response;
    }
    default:
      return outcome satisfies never;
  }
}

/** The answer of the batch append: refusals are answers too, named by the type of their details. */
export function batchAnswer(stream: string, expected: Expectation, outcome: Answered): streams.BatchAppendResp {
  const response = new streams.BatchAppendResp();
  response.setStreamIdentifier(identifierOf(stream));
  switch (outcome.kind) {
    case 'appended': {
      const position = new shared.AllStreamPosition();
      position.setCommitPosition(String(outcome.last.position));
      position.setPreparePosition(String(outcome.last.position));
      const success = new streams.BatchAppendResp.Success();
      success.setCurrentRevision(String(outcome.last.revision));
      success.setPosition(position);
      response.setSuccess(success);
      return response;
    }
    case 'wrong_version': {
      const wrong = new shared.WrongExpectedVersion();
      if (outcome.current === undefined) wrong.setCurrentNoStream(new empty.Empty());
      else wrong.setCurrentStreamRevision(String(outcome.current));
      if (expected === 'no_stream') wrong.setExpectedNoStream(new empty.Empty());
      else if (typeof expected === 'number') wrong.setExpectedStreamPosition(String(expected));
      return failed(response, '', 'event_store.client.WrongExpectedVersion', wrong.serializeBinary());
    }
    case 'deleted': {
      const deleted = new shared.StreamDeleted();
      deleted.setStreamIdentifier(identifierOf(stream));
      return failed(response, '', 'event_store.client.StreamDeleted', deleted.serializeBinary());
    }
    default:
      return outcome satisfies never;
  }
}

/** As the server says it while it starts: of a type that the client does not know. */
export const batchNotReady = (stream: string): streams.BatchAppendResp =>
  batchFailed(stream, 'Server Is Not Ready', 'google.protobuf.Empty');

/** As a node of a cluster says it during an election. */
export const batchNoLeader = (stream: string): streams.BatchAppendResp =>
  batchFailed(stream, 'No leader info available in response', 'google.protobuf.Empty');

/** The server gave up waiting for its own write. */
export const batchTimedOut = (stream: string): streams.BatchAppendResp =>
  batchFailed(stream, 'Operation timed out', 'event_store.client.Timeout');

function batchFailed(stream: string, message: string, type: string): streams.BatchAppendResp {
  const response = new streams.BatchAppendResp();
  response.setStreamIdentifier(identifierOf(stream));
  return failed(response, message, type, new Uint8Array());
}

function failed(
  response: streams.BatchAppendResp,
  message: string,
  type: string,
  details: Uint8Array,
): streams.BatchAppendResp {
  const packed = new any.Any();
  packed.pack(details, type);
  const error = new rpc.Status();
  error.setMessage(message);
  error.setDetails(packed);
  response.setError(error);
  return response;
}

export const notReady: Refusal = { code: status.UNAVAILABLE, details: 'Server Is Not Ready' };
export const unavailable: Refusal = { code: status.UNAVAILABLE, details: 'Connection dropped' };
export const invalidPosition: Refusal = {
  code: status.INVALID_ARGUMENT,
  details: 'Trying to read from an invalid position.',
};
/** What a client makes of a stream that is reset; it can't tell this from a status in so many words. */
export const resetByPeer: Refusal = {
  code: status.INTERNAL,
  details: 'Received RST_STREAM with code 2 (Internal server error)',
};
export const timedOut: Refusal = { code: status.ABORTED, details: 'Operation timed out' };

export const streamDeleted = (stream: string): Refusal => ({
  code: status.FAILED_PRECONDITION,
  details: `Event stream '${stream}' is deleted.`,
  metadata: exception('stream-deleted', { 'stream-name': stream }),
});

export const notLeader = (port: number): Refusal => ({
  code: status.NOT_FOUND,
  details: 'Leader info available',
  metadata: exception('not-leader', { 'leader-endpoint-host': '127.0.0.1', 'leader-endpoint-port': String(port) }),
});

function exception(type: string, more: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries({ exception: type, ...more })) metadata.set(key, value);
  return metadata;
}
