import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { connectTo, throughOpenProxy } from './mongodb-url.js';
import { messagesOf, requestIdOf, responseToOf, wantsAnswer } from './mongodb-wire.js';

/**
 * A wire to a FerretDB on which it does one command after the other, whichever connection they come from: its updates read
 * first and write then, without a thought for others in between, while a MongoDB changes a document in one step. Behind
 * this wire it does so too, and races between commands are as they are there.
 *
 * @param url of the server
 * @returns the one to use instead
 */
export async function oneCommandAtATime(url: string): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<Socket>();
  const one = inTurn();
  const listener = createServer((client) => {
    const server = connectTo(url);
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
      const id = requestIdOf(message);
      one(async () => {
        if (server.destroyed) return;
        const done = wantsAnswer(message) ? new Promise<void>((resolve) => answered.set(id, resolve)) : undefined;
        server.write(message);
        await done;
      });
    });
    messagesOf(server, (message) => {
      client.write(message);
      const id = responseToOf(message);
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
  return { url: throughOpenProxy(url, `127.0.0.1:${(listener.address() as AddressInfo).port}`), close };
}

function inTurn(): (action: () => Promise<void>) => void {
  let before = Promise.resolve();
  return (action) => {
    before = before.then(action);
  };
}
