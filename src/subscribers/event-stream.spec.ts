import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { MemoryLog } from '../../test/faults/kernel-log.js';
import { SealedLog } from '../../test/support/sealed-log.js';
import type { Position } from '../event-sourcing/event-store.js';
import { Quarantine } from '../event-sourcing/quarantine.js';
import { StoreUnavailable } from '../event-sourcing/store-errors.js';
import { CloudEvents } from './cloud-event.js';
import { EventFrames } from './event-frames.js';
import { EventReader } from './event-reader.js';
import { EventStream } from './event-stream.js';
import { LogCursors } from './log-cursors.js';
import { LogTail } from './log-tail.js';
import { Turns } from './turns.js';

/** As much of a response as a stream uses, whose socket takes as much as it is told to. */
class Socket extends EventEmitter {
  readonly written: string[] = [];
  writableNeedDrain = false;
  closed = false;
  ended = false;
  destroyed = false;
  takes = true;

  write(bytes: string | Buffer): boolean {
    this.written.push(bytes.toString());
    this.writableNeedDrain = !this.takes;
    return this.takes;
  }
  drain(): void {
    this.writableNeedDrain = false;
    this.emit('drain');
  }
  end(): void {
    this.ended = true;
    this.closed = true;
    this.emit('close');
  }
  destroy(): void {
    this.destroyed = true;
    this.end();
  }
  get text(): string {
    return this.written.join('');
  }
}

describe('A stream', () => {
  let store: MemoryLog;
  let log: SealedLog;
  let tail: LogTail;
  let cursors: LogCursors;
  let frames: EventFrames;
  let running: Promise<void>[];
  beforeEach(async () => {
    store = new MemoryLog();
    log = new SealedLog(store);
    tail = new LogTail(store);
    await tail.onModuleInit();
    cursors = new LogCursors('log', store);
    frames = new EventFrames(new CloudEvents(log.keys, 's'), cursors);
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running);
    await tail.onModuleDestroy();
  });

  const begin = (socket: Socket, { customerId, retry }: { customerId?: string; retry?: number } = {}): EventStream => {
    const reader = new EventReader(
      { store, tail, catchUps: new Turns(1) },
      undefined,
      customerId === undefined ? {} : { customerId },
    );
    const parts = { tail, frames, cursors, quarantine: new Quarantine(store, log.clock) };
    const stream = new EventStream(socket as unknown as ServerResponse, reader, true, parts, retry);
    running.push(stream.run());
    return stream;
  };
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await turn();
  };
  const create = (id: string) => log.append(id, 'CustomerCreated', { enabled: true }, { email: `${id}@example.com` });

  it('writes each event under its cursor, on one line', async () => {
    const socket = new Socket();
    const stream = begin(socket);
    const { id, position } = await create('c1');
    await until(() => socket.written.length > 0);
    const [first, second, ...rest] = socket.text.split('\n');
    expect([first, rest]).toEqual([`id: ${cursors.write(position)}`, ['', '']]);
    expect(JSON.parse(second!.replace(/^data: /, ''))).toMatchObject({ id, data: { email: 'c1@example.com' } });
    stream.end();
  });

  it('tells with the first event, and with that alone, when a reader is to come back', async () => {
    const socket = new Socket();
    const stream = begin(socket, { retry: 1234 });
    stream.beat();
    await create('c1');
    await until(() => socket.text.includes('data: '));
    await create('c2');
    await until(() => socket.text.split('data: ').length === 3);
    const [first = '', second = ''] = socket.text.split('\n\n');
    expect(first.split('\n').map((line) => line.split(':')[0])).toEqual(['', 'retry', 'id', 'data']);
    expect(second.split('\n').map((line) => line.split(':')[0])).toEqual(['id', 'data']);
    stream.end();
  });

  it('writes nothing more to a reader who takes nothing, holds back comments too, and goes on where it was', async () => {
    const [slow, quick] = [new Socket(), new Socket()];
    slow.takes = false;
    const [one, other] = [begin(slow), begin(quick)];
    await create('c0');
    await until(() => slow.written.length === 1);
    for (let n = 1; n <= 300; n += 1) await create(`c${n}`);
    await until(() => quick.text.split('data: ').length === 302);
    one.beat();
    expect([slow.written.length, one.blocked !== undefined]).toEqual([1, true]);
    slow.takes = true;
    slow.drain();
    await until(() => slow.text === quick.text);
    expect(one.blocked).toBeUndefined();
    one.end();
    other.end();
  });

  it('beats with a comment, and tells with it how far a filter has passed', async () => {
    const socket = new Socket();
    const stream = begin(socket, { customerId: 'c9' });
    stream.beat();
    const { position } = await create('c1');
    await tail.reached(position, 5_000);
    await turn();
    stream.beat();
    stream.beat();
    expect(socket.written).toEqual([':\n', `:\nid: ${cursors.write(position)}\n\n`, ':\n']);
    stream.end();
  });

  it('waits for a key store that is away, and loses nothing by it', async () => {
    const socket = new Socket();
    const stream = begin(socket);
    await create('c1');
    await until(() => socket.written.length === 1);
    await create('c2');
    log.clock.advance(60_000);
    log.subjectKeys.outOfReach = true;
    await create('c2').catch(() => undefined);
    await expect(log.keys.find({ subject: 'c2', revision: 1 })).rejects.toThrow(StoreUnavailable);
    await tail.reached((await store.head())!, 5_000);
    log.subjectKeys.outOfReach = false;
    await until(() => socket.text.includes('c2@example.com'));
    expect([socket.ended, socket.text.split('data: ').length]).toEqual([false, 3]);
    stream.end();
  });

  it('ends between two events, at an event that a newer release wrote, and when it is told to', async () => {
    const socket = new Socket();
    begin(socket);
    await create('c1');
    await log.append('c1', 'CustomerPromoted');
    await log.append('c1', 'CustomerEnabled');
    await until(() => socket.ended);
    expect(socket.text.split('data: ')).toHaveLength(2);
    expect(socket.text.endsWith('\n\n')).toBe(true);
  });

  it('stops when its reader is gone', async () => {
    const socket = new Socket();
    begin(socket);
    socket.end();
    await Promise.all(running);
    await create('c1');
    expect(socket.written).toEqual([]);
  });

  it('makes the bytes of a stretch once for all who come through it together', async () => {
    let made = 0;
    const counting = new CloudEvents(log.keys, 's');
    const envelopes = counting.envelopes.bind(counting);
    counting.envelopes = (...args) => {
      made += 1;
      return envelopes(...args);
    };
    frames = new EventFrames(counting, cursors);
    const sockets = Array.from({ length: 50 }, () => new Socket());
    const streams = sockets.map((socket) => begin(socket));
    await create('c1');
    await until(() => sockets.every(({ written }) => written.length > 0));
    expect(made).toBe(1);
    for (const stream of streams) stream.end();
  });

  it('of a reader who asks later opens personal values anew', async () => {
    const event = await create('c1');
    const stretch = { events: [event], position: '1' as Position, name: 'the same' };
    expect((await frames.of(stretch, true)).bytes?.toString()).toContain('c1@example.com');
    await log.keys.destroy({ subject: 'c1', revision: 1 });
    expect((await frames.of(stretch, true)).bytes?.toString()).not.toContain('c1@example.com');
  });
});
