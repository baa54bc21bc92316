import type { EventStoreDBClient, StreamingRead } from '@eventstore/db-client';
import { isBroken, NoAnswer } from './client-errors.js';
import type { ClientSlot } from './client-slot.js';

/**
 * All that one call reads, within `ms` milliseconds; tried again once if its connection breaks.
 * @throws NoAnswer, or an error of the client
 */
export function readWhole<E>(
  slot: ClientSlot,
  ms: number,
  call: (client: EventStoreDBClient) => StreamingRead<E>,
): Promise<readonly E[]> {
  return slot.use((client) => collect(call(client), ms), isBroken);
}

/**
 * The client knows no deadline for reads. However it ends, the call is cancelled: leaving the loop alone would leave it
 * open at the server.
 */
export async function collect<E>(call: StreamingRead<E>, ms: number): Promise<readonly E[]> {
  const timer = setTimeout(() => call.destroy(new NoAnswer()), ms);
  // An error that comes after the loop was left has nobody else to go to, and would end the process.
  call.on('error', () => undefined);
  try {
    const all: E[] = [];
    for await (const one of call) all.push(one);
    return all;
  } finally {
    clearTimeout(timer);
    call.cancel().catch(() => undefined);
  }
}
