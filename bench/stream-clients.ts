import { Agent, type ClientRequest, get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from './child.js';
import { monotonicMs } from './machine.js';
import { KEY } from './server.js';

/** Many readers of the live stream, which count what comes. */
export type StreamTask =
  /** Opens connections, each from the beginning of the log, and resolves when every one is answered. */
  | { readonly kind: 'open'; readonly url: string; readonly connections: number }
  /** Resolves once every connection has had so many events in all. */
  | { readonly kind: 'await'; readonly events: number }
  | { readonly kind: 'close' };

export interface StreamResult {
  /** By all connections together. */
  readonly received: number;
  /** When the last connection had its n-th event, by {@link monotonicMs}. */
  readonly hadAt: readonly number[];
}

/** Fewer than a server queues by default. */
const OPENED_TOGETHER = 100;
const PATIENCE_MS = 60_000;
const LINE = Buffer.from('\ndata: ');

class Stream {
  events = 0;
  private tail: Buffer = Buffer.alloc(0);

  constructor(readonly request: ClientRequest) {}

  /** An event's line begins as no other does, and its JSON holds no line feed. */
  take(chunk: Buffer, hadAt: number[]): void {
    const bytes = this.tail.length === 0 ? chunk : Buffer.concat([this.tail, chunk]);
    const now = monotonicMs();
    for (let at = bytes.indexOf(LINE); at !== -1; at = bytes.indexOf(LINE, at + LINE.length)) {
      hadAt[this.events] = now;
      this.events += 1;
    }
    this.tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - LINE.length + 1)));
  }
}

let streams: Stream[] = [];
let hadAt: number[] = [];
let failure: Error | undefined;

async function work(task: StreamTask): Promise<StreamResult> {
  switch (task.kind) {
    case 'open':
      await open(task.url, task.connections);
      break;
    case 'await':
      await receive(task.events);
      break;
    case 'close':
      for (const { request } of streams) request.destroy();
      streams = [];
      hadAt = [];
      break;
    default:
      return task satisfies never;
  }
  return { received: streams.reduce((sum, { events }) => sum + events, 0), hadAt };
}

async function open(url: string, connections: number): Promise<void> {
  const agent = new Agent({ maxSockets: Infinity });
  while (streams.length < connections) {
    const count = Math.min(OPENED_TOGETHER, connections - streams.length);
    streams.push(...(await Promise.all(Array.from({ length: count }, () => openOne(url, agent)))));
  }
}

function openOne(url: string, agent: Agent): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      if (!request.destroyed) failure ??= error;
      reject(error);
    };
    const headers = { authorization: `Bearer ${KEY}` };
    const request = get(`${url}/events/stream`, { agent, headers }, (answer: IncomingMessage) => {
      if (answer.statusCode !== 200) {
        fail(new Error(`GET /events/stream was answered ${answer.statusCode}`));
        return;
      }
      answer.on('data', (chunk: Buffer) => stream.take(chunk, hadAt)).on('error', fail);
      answer.on('end', () => fail(new Error('A stream was ended')));
      resolve(stream);
    });
    const stream = new Stream(request);
    request.on('error', fail);
  });
}

/** @throws Error when one of them does not get so many in time, or gets more */
async function receive(events: number): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    if (failure !== undefined) throw failure;
    const counts = streams.map((stream) => stream.events);
    const [fewest, most] = counts.reduce(([a, b], n) => [Math.min(a, n), Math.max(b, n)], [Infinity, 0]);
    if (fewest === events && most === events) return;
    if (most > events || performance.now() > giveUpAt) {
      throw new Error(`Each of ${streams.length} streams was to get ${events} events; they got ${fewest} to ${most}`);
    }
    await delay(10);
  }
}

serve(work);
