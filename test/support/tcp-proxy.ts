import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** Which way bytes go: towards the server, or back from it. */
export type Direction = 'there' | 'back';

interface Lane {
  readonly direction: Direction;
  readonly from: Socket;
  readonly to: Socket;
}

/**
 * A wire between a client and a server that can be slow, cut, silent or gone, and keeps its address all the while. One
 * connection to it is one connection to the server, and a slow reader slows the writer as it would without it.
 *
 * A client that looks for further servers by itself goes round it: tell MongoDB's driver `directConnection=true`.
 */
export class TcpProxy {
  /** Milliseconds for which bytes are held back, each way; from now on. */
  latency = 0;
  /** Bytes that still come back before every connection is reset. */
  private left = Infinity;
  private listener: Server | undefined;
  private readonly lanes = new Set<Lane>();
  private readonly silent = new Set<Direction>();
  private number = 0;
  private taken = 0;

  private constructor(private readonly target: { readonly host: string; readonly port: number }) {}

  static async to(host: string, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host, port });
    await proxy.accept();
    return proxy;
  }

  /** Of 127.0.0.1. */
  get port(): number {
    return this.number;
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.number}`;
  }

  /** Connections taken so far, those that have ended among them. */
  get connections(): number {
    return this.taken;
  }

  /** Resets every connection. New ones are taken. */
  cut(): void {
    this.left = Infinity;
    for (const { from } of this.lanes) from.resetAndDestroy();
  }

  /** As {@link cut}, once so many more bytes have come back: in the middle of whatever they are of. */
  cutAfter(bytes: number): void {
    this.left = bytes;
  }

  /** Down: resets every connection and refuses new ones, until {@link accept}. */
  async refuse(): Promise<void> {
    const { listener } = this;
    if (listener === undefined) return;
    this.listener = undefined;
    const closed = once(listener, 'close');
    listener.close();
    this.cut();
    await closed;
  }

  /** Takes connections again, at the port it had. */
  async accept(): Promise<void> {
    if (this.listener !== undefined) return;
    const listener = createServer({ allowHalfOpen: true }, (client) => this.join(client));
    listener.listen(this.number, '127.0.0.1');
    await once(listener, 'listening');
    this.number = (listener.address() as AddressInfo).port;
    this.listener = listener;
  }

  /** A black hole: connections stay and are taken, nothing passes, nobody is told. What is sent meanwhile waits. */
  silence(): void {
    this.silenceOneWay('there');
    this.silenceOneWay('back');
  }

  /** Half-open: nothing passes in this direction, not even an end; all does in the other. */
  silenceOneWay(direction: Direction): void {
    this.silent.add(direction);
    for (const lane of this.lanes) this.regulate(lane);
  }

  /** Takes back latency and silence; what waited goes through. */
  heal(): void {
    this.latency = 0;
    this.silent.clear();
    for (const lane of this.lanes) this.regulate(lane);
  }

  /** As {@link refuse}, for the end of a test. */
  close(): Promise<void> {
    return this.refuse();
  }

  private join(client: Socket): void {
    this.taken++;
    const server = connect({ ...this.target, allowHalfOpen: true });
    this.carry({ direction: 'there', from: client, to: server });
    this.carry({ direction: 'back', from: server, to: client });
  }

  private carry(lane: Lane): void {
    const { direction, from, to } = lane;
    this.lanes.add(lane);
    from.setNoDelay(true);
    const later = this.inOrder();
    from.on('data', (bytes: Buffer) =>
      later(() => {
        const passed = direction === 'back' ? this.spend(bytes) : bytes;
        if (to.writable) to.write(passed, () => this.left === 0 && this.cut());
        this.regulate(lane);
      }),
    );
    to.on('drain', () => this.regulate(lane));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => undefined);
    from.on('close', (broken) => {
      this.lanes.delete(lane);
      if (broken) to.resetAndDestroy();
    });
    this.regulate(lane);
  }

  private spend(bytes: Buffer): Buffer {
    const passed = bytes.subarray(0, this.left);
    this.left -= passed.length;
    return passed;
  }

  /** Each action waits for its own time, and for those before it. */
  private inOrder(): (action: () => void) => void {
    let before = Promise.resolve();
    return (action) => {
      const due = performance.now() + this.latency;
      before = before.then(async () => {
        const left = due - performance.now();
        if (left > 0) await setTimeout(left);
        action();
      });
    };
  }

  private regulate({ direction, from, to }: Lane): void {
    if (this.silent.has(direction) || to.writableNeedDrain) from.pause();
    else from.resume();
  }
}
