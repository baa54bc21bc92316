import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** An issuer's address of keys that does as it is told. */
export class JwksServer {
  /** Each request, by its path. */
  readonly asked: string[] = [];
  /** What is answered; the keys, unless a test wants something worse. */
  answer: (response: ServerResponse) => void = (response) => {
    response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: this.keys }));
  };

  private constructor(
    /** Public keys, as they stand in the set. */
    public keys: readonly object[],
    private readonly server: Server,
  ) {
    server.on('request', ({ url = '' }, response) => {
      this.asked.push(url);
      this.answer(response);
    });
  }

  static async start(keys: readonly object[] = []): Promise<JwksServer> {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return new JwksServer(keys, server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/keys`;
  }

  /** Cuts every connection, for it may hang on some of them. Can be called again. */
  async close(): Promise<void> {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }
}

/** An address where nobody listens. */
export async function deadAddress(): Promise<string> {
  const server = await JwksServer.start();
  const { url } = server;
  await server.close();
  await new Promise((refused) => connect(Number(new URL(url).port), '127.0.0.1').on('error', refused));
  return url;
}
