import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
const HEADER = { length: 0, requestId: 4, responseTo: 8, opCode: 12, flags: 16 } as const;
const OP_MSG = 2013;
const MORE_TO_COME = 2;

/**
 * A wire to a FerretDB on which it does one command after the other, whichever connection they come from: its updates read
 * first and write then, without a thought for others in between, while a MongoDB changes a document in one step. Behind
 * this wire it does so too, and races between commands are as they are there.
 *
 * @returns the address to use instead, as `host:port`
 */
export async function oneCommandAtATime(host: string, port: number): Promise<{ address: string; close(): void }> {
  const sockets = new Set<Socket>();
  const one = inTurn();
  const listener = createServer((client) => {
    const server = connect({ host, port });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    const answered = new Map<number, () => void>();
    server.on('close', () => {
      for (const done of answered.values()) done();
    });
    messagesOf(client, (message) => {
      const id = message.readInt32LE(HEADER.requestId);
      one(async () => {
        if (server.destroyed) return;
        const done = wantsAnswer(message) ? new Promise<void>((resolve) => answered.set(id, resolve)) : undefined;
        server.write(message);
        await done;
      });
    });
    messagesOf(server, (message) => {
      client.write(message);
      const id = message.readInt32LE(HEADER.responseTo);
      answered.get(id)?.();
      answered.delete(id);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const close = (): void => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  return { address: `127.0.0.1:${(listener.address() as AddressInfo).port}`, close };
}

const wantsAnswer = (message: Buffer): boolean =>
  message.readInt32LE(HEADER.opCode) !== OP_MSG || (message.readUInt32LE(HEADER.flags) & MORE_TO_COME) === 0;

function inTurn(): (action: () => Promise<void>) => void {
  let before = Promise.resolve();
  return (action) => {
    before = before.then(action);
  };
}

function messagesOf(socket: Socket, onMessage: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(HEADER.length)) {
      const length = rest.readInt32LE(HEADER.length);
      onMessage(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
}
