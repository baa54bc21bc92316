import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';

export interface Call {
  readonly method?: string;
  /** With its query; sent as it is, never brought into a better shape. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Text and bytes go as they are; anything else as JSON, under its content type. */
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json<T = unknown>(): T;
}

/** Talks to a server over real sockets, which it keeps open; with the key unless `authorization` is given. */
export class HttpCaller {
  private readonly agent = new Agent({ keepAlive: true });

  constructor(
    /** Without a slash at its end. */
    readonly url: string,
    private readonly key: string,
  ) {}

  async call({ method = 'GET', path, headers = {}, body }: Call): Promise<Answer> {
    const { hostname, port } = new URL(this.url);
    const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
    const payload = json ? JSON.stringify(body) : body;
    const all = {
      authorization: `Bearer ${this.key}`,
      ...(json && { 'content-type': 'application/json' }),
      // Node sends the body of a DELETE without any length unless told.
      ...(payload !== undefined && { 'content-length': String(Buffer.byteLength(payload)) }),
      ...headers,
    };
    const sent = request({ hostname, port, method, path, agent: this.agent, headers: mutable(all) });
    return new Promise((resolve, reject) => {
      sent.on('response', (response) => void answerOf(response).then(resolve, reject)).on('error', reject);
      sent.end(payload);
    });
  }

  /** Sends bytes as they are over a connection of its own and reads until the server closes it. */
  raw(...chunks: readonly (string | Buffer)[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = this.connect();
      for (const chunk of chunks) socket.write(chunk);
      let received = '';
      socket.setEncoding('utf8').on('data', (text: string) => (received += text));
      socket.on('close', () => resolve(received)).on('error', (error) => received === '' && reject(error));
    });
  }

  connect(): Socket {
    const { hostname, port } = new URL(this.url);
    return createConnection(Number(port), hostname);
  }

  close(): void {
    this.agent.destroy();
  }
}

function mutable(headers: NonNullable<Call['headers']>): Record<string, string | string[]> {
  const copies = Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]);
  return Object.fromEntries(copies) as Record<string, string | string[]>;
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: <T>() => JSON.parse(text) as T,
  };
}
