import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { Binary, type Document } from 'mongodb';
import { nameOf } from './mongodb-answers.js';
import { connectTo } from './mongodb-url.js';
import { answerTo, documentIn, messagesOf } from './mongodb-wire.js';
import { selfSigned } from './self-signed.js';

const HOST = 'localhost';
const USER = 'the-user';
const PASSWORD = 'p@ss:/word?';
const BEFORE_LOGIN = /^(hello|ismaster|saslStart)$/i;
const UNAUTHORIZED = { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: 'Command requires authentication' };
const FAILED = { ok: 0, code: 18, codeName: 'AuthenticationFailed', errmsg: 'Authentication failed.' };

/**
 * What a server is that wants TLS, and a user with a password on each connection, before one that wants neither.
 * @param folder for the certificate that its clients trust
 * @returns its address, with all that it takes
 */
export async function guarded(url: string, folder: string): Promise<{ readonly url: string; close(): void }> {
  const { key, cert } = selfSigned(HOST);
  const ca = join(folder, 'ca.crt');
  await writeFile(ca, cert);
  const sockets = new Set<Socket>();
  const listener = createServer({ key, cert }, (client) => {
    const server = connectTo(url);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    server.pipe(client);
    let known = false;
    messagesOf(client, (message) => {
      const command = documentIn(message);
      const isLogin = nameOf(command) === 'saslStart';
      known ||= isLogin && isRight(command);
      if (isLogin) client.write(answerTo(message, known ? WELCOME : FAILED));
      else if (known || BEFORE_LOGIN.test(nameOf(command))) server.write(message);
      else client.write(answerTo(message, UNAUTHORIZED));
    });
  });
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, HOST);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const options = new URLSearchParams({ tls: 'true', tlsCAFile: ca, authMechanism: 'PLAIN' });
  return {
    url: `mongodb://${USER}:${encodeURIComponent(PASSWORD)}@${HOST}:${port}/?${options.toString()}`,
    close: () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const WELCOME: Document = { ok: 1, conversationId: 1, done: true, payload: new Binary(Buffer.alloc(0)) };

const isRight = ({ payload }: Document): boolean =>
  payload instanceof Binary && Buffer.from(payload.value()).toString() === `\0${USER}\0${PASSWORD}`;
