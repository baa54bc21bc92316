import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The way between client and server: it can be cut, be silent and be gone, and keeps its port all the while. */
export class Wire {
  private listener: Server | undefined;
  private readonly sockets = new Set<Socket>();
  /** How many connections have been taken so far. */
  accepted = 0;
  private frozen = false;
  private number = 0;

  constructor(private readonly target: number) {}

  get port(): number {
    return this.number;
  }

  /** Also again, after it was down. */
  async up(): Promise<void> {
    const listener = createServer((near) => {
      this.accepted += 1;
      this.join(near, connect(this.target, '127.0.0.1'));
    });
    this.listener = listener;
    listener.listen(this.number, '127.0.0.1');
    await once(listener, 'listening');
    this.number = (listener.address() as AddressInfo).port;
  }

  /** Every connection is gone at once; new ones are taken. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Connections are refused until it is up again. */
  async down(): Promise<void> {
    const { listener } = this;
    this.listener = undefined;
    const closed = listener && once(listener, 'close');
    listener?.close();
    this.cut();
    await closed;
  }

  /** Nothing goes through in either direction, and no one is told. */
  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
  }

  private join(near: Socket, far: Socket): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.on('data', (bytes) => {
        if (!other.destroyed) other.write(bytes);
      });
      one.on('end', () => other.end());
      one.on('error', () => undefined);
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      if (this.frozen) one.pause();
    }
  }
}
