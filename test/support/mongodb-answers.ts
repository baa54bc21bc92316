import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Document } from 'mongodb';
import { connectTo } from './mongodb-url.js';
import { answerTo, documentIn, messagesOf, responseToOf, requestIdOf, wantsAnswer } from './mongodb-wire.js';

/** `cut`: the connection is reset instead of an answer. */
export type Answer = Document | 'cut';

/**
 * What a command is answered with. Undefined: what the server answers.
 * @param command its first key is its name, `$db` the database; the documents of a batch are under their name
 * @param pass has the server carry it out, and gives what it answered
 */
export type Answering = (
  command: Document,
  pass: () => Promise<Document>,
) => Promise<Answer | undefined> | Answer | undefined;

export const nameOf = (command: Document): string => Object.keys(command)[0] ?? '';
const HELLO = /^(hello|ismaster)$/i;

/** A wire to a MongoDB on which a test answers commands of its choice in the server's place. The driver must not compress. */
export class AnsweringProxy {
  answering: Answering = () => undefined;
  /** Put into what the server tells of itself, from the next heartbeat on. */
  hello: Document = {};
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly listener: Server,
    private readonly url: string,
  ) {}

  /** @param url of the server */
  static async to(url: string): Promise<AnsweringProxy> {
    const listener = createServer();
    const proxy = new AnsweringProxy(listener, url);
    listener.on('connection', (client) => proxy.join(client));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return proxy;
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Answers the next `times` commands of these names with the same. */
  answer(names: string | readonly string[], answer: Answer, times = Infinity): void {
    let left = times;
    const wanted = [names].flat();
    this.answering = (command) => {
      if (!wanted.includes(nameOf(command)) || left <= 0) return undefined;
      left -= 1;
      return answer;
    };
  }

  close(): void {
    this.listener.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(client: Socket): void {
    const server = connectTo(this.url);
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    const waiting = new Map<number, (reply: Buffer) => void>();
    messagesOf(server, (reply) => {
      const take = waiting.get(responseToOf(reply));
      waiting.delete(responseToOf(reply));
      // A server that streams sends several answers to one question.
      if (take === undefined) client.write(reply);
      else take(reply);
    });
    const forward = async (message: Buffer): Promise<Buffer> => {
      const reply = new Promise<Buffer>((resolve) => waiting.set(requestIdOf(message), resolve));
      server.write(message);
      return reply;
    };
    messagesOf(client, (message) => {
      if (!wantsAnswer(message)) server.write(message);
      else void this.take(message, client, forward);
    });
  }

  private async take(message: Buffer, client: Socket, forward: (message: Buffer) => Promise<Buffer>): Promise<void> {
    const command = documentIn(message);
    const pass = async (): Promise<Document> => documentIn(await forward(message));
    const answer = HELLO.test(nameOf(command))
      ? { ...(await pass()), ...this.hello }
      : await this.answering(command, pass);
    if (answer === undefined) client.write(await forward(message));
    else if (answer === 'cut') client.resetAndDestroy();
    else client.write(answerTo(message, answer));
  }
}
