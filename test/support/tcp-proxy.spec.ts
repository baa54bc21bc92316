import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { TcpProxy } from './tcp-proxy.js';

const heard = async (socket: Socket): Promise<string> => {
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString();
};

const ended = async (socket: Socket): Promise<string> => {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code ?? '';
};

describe('a wire that can fail', () => {
  let server: Server;
  let arrived: string;
  let proxy: TcpProxy;
  let accepted: Socket[];
  const clients: Socket[] = [];

  const client = async (): Promise<Socket> => {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    await once(socket, 'connect');
    return socket;
  };

  const ping = (socket: Socket, text = 'ping'): Promise<string> => {
    const answer = heard(socket);
    socket.write(text);
    return answer;
  };

  const received = async (text: string): Promise<void> => {
    while (!arrived.endsWith(text)) await new Promise(setImmediate);
  };

  /** As long as the server takes to answer someone who goes round the wire. */
  const aRoundTrip = async (): Promise<void> => {
    const direct = connect((server.address() as AddressInfo).port, '127.0.0.1');
    clients.push(direct);
    await ping(direct, '|');
  };

  beforeEach(async () => {
    arrived = '';
    accepted = [];
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        arrived += bytes.toString();
        socket.write(bytes);
      });
      socket.on('end', () => socket.end('bye'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await TcpProxy.to('127.0.0.1', (server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    await proxy.close();
    for (const socket of [...clients.splice(0), ...accepted]) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  it('carries bytes both ways, and a proper end', async () => {
    const socket = await client();
    expect(await ping(socket)).toBe('ping');
    const last = heard(socket);
    socket.end();
    expect(await last).toBe('bye');
    expect(proxy.connections).toBe(1);
  });

  it('holds bytes back each way, and keeps their order', async () => {
    const socket = await client();
    proxy.latency = 30;
    // Timers count whole milliseconds: each may fire up to one and a half early by the finer clock.
    const started = performance.now();
    const answer = heard(socket);
    socket.write('slow');
    await received('slow');
    expect(performance.now() - started).toBeGreaterThanOrEqual(28);
    expect(await answer).toBe('slow');
    expect(performance.now() - started).toBeGreaterThanOrEqual(56);
    socket.write('one');
    await aRoundTrip();
    proxy.latency = 0;
    socket.write('two');
    await received('two');
    expect(arrived).toBe('slow|onetwo');
  });

  it('resets what is connected, and takes new connections', async () => {
    const socket = await client();
    await ping(socket);
    const end = ended(socket);
    proxy.cut();
    expect(await end).toBe('ECONNRESET');
    expect(await ping(await client())).toBe('ping');
  });

  it('is down, and up again at the same port', async () => {
    const { port } = proxy;
    const socket = await client();
    await ping(socket);
    const end = ended(socket);
    await proxy.refuse();
    expect(await end).toBe('ECONNRESET');
    await expect(client()).rejects.toThrow('ECONNREFUSED');
    await proxy.accept();
    expect(proxy.port).toBe(port);
    expect(await ping(await client())).toBe('ping');
  });

  it('swallows everything in silence, on old and new connections, until it is healed', async () => {
    const old = await client();
    await ping(old);
    proxy.silence();
    const fresh = await client();
    const answers = Promise.all([ping(old, 'old'), ping(fresh, 'new')]);
    await aRoundTrip();
    expect(arrived).toBe('ping|');
    proxy.heal();
    expect(await answers).toEqual(['old', 'new']);
  });

  it('lets requests through and swallows the answers', async () => {
    const socket = await client();
    await ping(socket);
    proxy.silenceOneWay('back');
    let answered = false;
    const answer = ping(socket, 'lost').finally(() => (answered = true));
    await received('lost');
    await aRoundTrip();
    expect(answered).toBe(false);
    proxy.heal();
    expect(await answer).toBe('lost');
  });

  it('slows a writer whose reader is slow', async () => {
    const socket = await client();
    await ping(socket);
    accepted[0]!.pause();
    socket.write(Buffer.alloc(64 << 20, 'x'));
    const beside = await client();
    // Time enough to swallow it all.
    for (let i = 0; i < 200; i++) await ping(beside);
    expect(socket.writableLength).toBe(64 << 20);
  });

  it('tells its client that the server broke off', async () => {
    const socket = await client();
    await ping(socket);
    const end = ended(socket);
    accepted[0]!.resetAndDestroy();
    expect(await end).toBe('ECONNRESET');
  });
});
