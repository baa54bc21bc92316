import { EventEmitter } from 'node:events';
import type { EventStoreDBClient, StreamingRead } from '@eventstore/db-client';
import { CutShort, isBroken, NoAnswer } from './client-errors.js';
import type { ClientSlot } from './client-slot.js';

/** The gRPC status of a call that the server has ended, with all that it had to say. */
const OK = 0;

/**
 * All that one call reads, within `ms` milliseconds; tried again once if its connection breaks, or its client is given up.
 * @param count of events asked for: when all have come, nothing can be missing
 * @throws NoAnswer, CutShort, or an error of the client
 */
export function readWhole<E>(
  slot: ClientSlot,
  ms: number,
  call: (client: EventStoreDBClient) => StreamingRead<E>,
  count = Infinity,
): Promise<readonly E[]> {
  return slot.use((client) => collect(call(client), ms, count), isBroken);
}

/**
 * The client knows no deadline for reads. However it ends, the call is cancelled: leaving the loop alone would leave it
 * open at the server.
 */
export async function collect<E>(call: StreamingRead<E>, ms: number, count = Infinity): Promise<readonly E[]> {
  const timer = setTimeout(() => call.destroy(new NoAnswer()), ms);
  const isEnded = endedByServer(call);
  // An error that comes after the loop was left has nobody else to go to, and would end the process.
  call.on('error', () => undefined);
  try {
    const all: E[] = [];
    for await (const one of call) all.push(one);
    if (!isEnded() && all.length < count) throw new CutShort();
    return all;
  } finally {
    clearTimeout(timer);
    call.cancel().catch(() => undefined);
  }
}

/**
 * Whether the server itself has ended the call. A call that this side cancels, as a client does with all of its calls when
 * it is disposed of, ends for its reader without an error too, with whatever had come by then. The call tells its status
 * before its end; the client hides the call, but pipes it.
 */
function endedByServer(read: StreamingRead<unknown>): () => boolean {
  let ended = false;
  read.once('pipe', (call: unknown) => {
    if (call instanceof EventEmitter) call.once('status', (status: unknown) => (ended = codeOf(status) === OK));
  });
  return () => ended;
}

const codeOf = (status: unknown): unknown =>
  typeof status === 'object' && status !== null && 'code' in status ? status.code : undefined;
