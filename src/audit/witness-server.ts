import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { WitnessStore } from './witness-store.js';

const MOST_BYTES = 64 * 1024;

/** Takes checkpoints at `POST /add-checkpoint` (C2SP tlog-witness); it keeps them and signs nothing itself. */
export function witnessServer(store: WitnessStore, told: (line: string) => void): Server {
  return createServer({ requestTimeout: 10_000 }, (request, response) => {
    const answer = (status: number, text: string): void => {
      // As tlog-witness has it, so that the sender knows where to go on.
      const type = status === 409 ? 'text/x.tlog.size' : 'text/plain; charset=utf-8';
      response.writeHead(status, { 'Content-Type': type, Connection: 'close' }).end(text === '' ? '' : `${text}\n`);
    };
    if (request.method !== 'POST' || request.url !== '/add-checkpoint') {
      answer(404, 'Only POST /add-checkpoint is answered here');
      return;
    }
    bodyOf(request).then(
      (body) => {
        const { status, text } = store.add(body);
        told(status === 200 ? 'A checkpoint is kept' : `A checkpoint was refused (${String(status)})`);
        answer(status, text);
      },
      () => {
        answer(500, 'The checkpoint could not be kept');
      },
    );
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new RangeError('A checkpoint is never so large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
