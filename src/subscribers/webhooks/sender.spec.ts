import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Addresses, type Resolve } from './addresses.js';
import { Sender } from './sender.js';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

const MESSAGE = { headers: { 'content-type': 'application/json', 'webhook-id': 'e1' }, body: '{"a":"é"}' };
const say = (): Promise<typeof MESSAGE> => Promise.resolve(MESSAGE);
const never = new AbortController().signal;

describe('sending', () => {
  const servers: Server[] = [];
  const senders: Sender[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    for (const sender of senders.splice(0)) sender.close();
  });

  const receiver = async (handle: Handle): Promise<string> => {
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => handle(request, response));
    });
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const sender = (timeoutMs?: number, resolve?: Resolve): Sender => {
    const made = new Sender(new Addresses(true, resolve), timeoutMs);
    senders.push(made);
    return made;
  };
  const answering =
    (status: number, headers = {}): Handle =>
    (_, response) =>
      response.writeHead(status, headers).end('ignored');

  it('posts the body with its headers, to the path and the query', async () => {
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const { method, url, headers } = request;
        seen.push(method, url, headers['webhook-id'], headers['content-length'], headers.host, body);
        response.writeHead(204).end();
      });
    });
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const host = `localhost:${(server.address() as AddressInfo).port}`;
    expect(await sender().send(`http://${host}/a?b=c`, say, never)).toEqual({ outcome: 'delivered', status: 204 });
    expect(seen).toEqual(['POST', '/a?b=c', 'e1', '10', host, MESSAGE.body]);
  });

  it.each([
    [200, 'delivered'],
    [204, 'delivered'],
    [299, 'delivered'],
    [301, 'redirected'],
    [302, 'redirected'],
    [307, 'redirected'],
    [308, 'redirected'],
    [400, 'refused'],
    [404, 'refused'],
    [410, 'gone'],
    [500, 'refused'],
  ])('takes %d as %s', async (status, outcome) => {
    const url = await receiver(answering(status));
    expect(await sender().send(url, say, never)).toEqual({ outcome, status });
  });

  it('takes an answer in another protocol for a refusal, and does not wait for what it will never hear', async () => {
    const switching = createTcpServer((socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    switching.listen(0, '127.0.0.1');
    await once(switching, 'listening');
    const url = `http://127.0.0.1:${(switching.address() as AddressInfo).port}`;
    expect(await sender(500).send(url, say, never)).toEqual({ outcome: 'refused', status: 101 });
    switching.close();
  });

  it('follows no redirect, wherever it leads', async () => {
    let asked = 0;
    const inside = await receiver((_, response) => {
      asked += 1;
      response.end();
    });
    for (const location of [`${inside}/secret`, 'http://169.254.169.254/latest/meta-data/', '/elsewhere']) {
      const url = await receiver(answering(307, { location }));
      expect(await sender().send(url, say, never)).toMatchObject({ outcome: 'redirected' });
    }
    expect(asked).toBe(0);
  });

  it('tells what 429 and 503 ask for, and no other status', async () => {
    for (const [status, retryAfter] of [
      [429, '7'],
      [503, '7'],
      [500, undefined],
    ] as const) {
      const url = await receiver(answering(status, { 'retry-after': '7' }));
      expect((await sender().send(url, say, never)).retryAfter).toBe(retryAfter);
    }
  });

  it('gives up in time: on one that does not answer, does not end its head, or does not take the connection', async () => {
    const silent = await receiver(() => undefined);
    const halfway = createTcpServer((socket) => socket.write('HTTP/1.1 200 OK\r\nx-a: '));
    halfway.listen(0, '127.0.0.1');
    await once(halfway, 'listening');
    const unresolved = sender(100, () => new Promise(() => undefined));
    for (const url of [silent, `http://127.0.0.1:${(halfway.address() as AddressInfo).port}`]) {
      const since = performance.now();
      expect(await sender(100).send(url, say, never)).toEqual({ outcome: 'timed_out' });
      expect(performance.now() - since).toBeLessThan(2_000);
    }
    expect(await unresolved.send('https://a.example/', say, never)).toEqual({ outcome: 'timed_out' });
    halfway.close();
  });

  it('asks what to say only once the connection stands: not while a name is looked up, nor while TLS is begun', async () => {
    const silent = createTcpServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    let asked = 0;
    const counted = (): Promise<typeof MESSAGE> => {
      asked += 1;
      return say();
    };
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    expect(await sender(100).send(url, counted, never)).toEqual({ outcome: 'timed_out' });
    const unresolved = sender(100, () => new Promise(() => undefined));
    expect(await unresolved.send('https://a.example/', counted, never)).toEqual({ outcome: 'timed_out' });
    expect(asked).toBe(0);
    silent.close();
  });

  it('blames no endpoint when there is nothing to say, on a new connection and on a kept one', async () => {
    let asked = 0;
    const url = await receiver((_, response) => {
      asked += 1;
      response.end();
    });
    const one = sender();
    const fail = (): Promise<typeof MESSAGE> => Promise.reject(new Error('away'));
    await expect(one.send(url, fail, never)).rejects.toThrow('away');
    expect(await one.send(url, say, never)).toMatchObject({ outcome: 'delivered' });
    await expect(one.send(url, fail, never)).rejects.toThrow('away');
    expect(asked).toBe(1);
  });

  it('calls unreachable what refuses the connection, breaks it, or speaks something else', async () => {
    const closed = await receiver(answering(200));
    servers.pop()?.close();
    const broken = await receiver((_, response) => response.destroy());
    const other = createTcpServer((socket) => socket.end('SSH-2.0-x\r\n'));
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    for (const url of [closed, broken, `http://127.0.0.1:${(other.address() as AddressInfo).port}`]) {
      expect(await sender().send(url, say, never)).toEqual({ outcome: 'unreachable' });
    }
    other.close();
  });

  it('keeps no answer: the status counts at once, and a body that does not end costs the connection', async () => {
    let closed = false;
    let sent = 0;
    const url = await receiver((_, response) => {
      response.writeHead(200);
      const flood = setInterval(() => {
        sent += 8_192;
        response.write('x'.repeat(8_192));
      }, 1);
      response.on('close', () => {
        clearInterval(flood);
        closed = true;
      });
    });
    expect(await sender().send(url, say, never)).toEqual({ outcome: 'delivered', status: 200 });
    while (!closed) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(sent).toBeLessThan(4_000_000);
  });

  it('is refused when the name leads inside only now, and nothing is connected to', async () => {
    let connections = 0;
    const url = new URL(await receiver(answering(200)));
    servers[0]?.on('connection', () => (connections += 1));
    let address = '93.184.216.34';
    const addresses = new Addresses(false, () => Promise.resolve([address]));
    await expect(addresses.targetOf(`https://rebound.example:${url.port}/`)).resolves.toBeDefined();
    for (address of ['127.0.0.1', '10.0.0.1', '::ffff:127.0.0.1']) {
      const made = new Sender(addresses);
      senders.push(made);
      const answer = await made.send(`https://rebound.example:${url.port}/`, say, never);
      expect(answer).toEqual({ outcome: 'address_refused' });
    }
    expect(connections).toBe(0);
  });

  it('connects to the address that was checked, whatever the name leads to a moment later', async () => {
    const url = new URL(await receiver(answering(204)));
    let asked = 0;
    const rebinding: Resolve = () => Promise.resolve([(asked += 1) === 1 ? '127.0.0.1' : '10.0.0.1']);
    const answer = await sender(undefined, rebinding).send(`http://rebound.example:${url.port}/`, say, never);
    expect([answer, asked]).toEqual([{ outcome: 'delivered', status: 204 }, 1]);
  });

  it('takes another address of the name at another attempt', async () => {
    const url = new URL(await receiver(answering(204)));
    // Nobody listens at the second.
    const both = sender(undefined, () => Promise.resolve(['127.0.0.1', '127.0.0.2']));
    const outcomes: string[] = [];
    for (const attempt of [0, 1, 2]) {
      outcomes.push((await both.send(`http://a.example:${url.port}/`, say, never, attempt)).outcome);
    }
    expect(outcomes).toEqual(['delivered', 'unreachable', 'delivered']);
  });

  it('uses a connection again, and passes over one that the other side has closed meanwhile', async () => {
    let connections = 0;
    const url = await receiver(answering(200));
    const [server] = servers;
    server?.on('connection', () => (connections += 1));
    const one = sender();
    for (let n = 0; n < 5; n += 1) expect((await one.send(url, say, never)).outcome).toBe('delivered');
    expect(connections).toBe(1);
    server?.closeAllConnections();
    expect((await one.send(url, say, never)).outcome).toBe('delivered');
  });

  it('is ended by its signal, and says so', async () => {
    const stop = new AbortController();
    const url = await receiver(() => stop.abort(new Error('stopped')));
    await expect(sender().send(url, say, stop.signal)).rejects.toThrow('stopped');
    await expect(sender().send(url, say, stop.signal)).rejects.toThrow('stopped');
  });
});
