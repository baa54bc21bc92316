import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent } from '../../src/subscribers/cloud-event.js';

export interface StreamOptions {
  /** Of the service, or of what stands before it. */
  readonly url: string;
  readonly authorization: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly lastEventId?: string;
  /** Whether it comes again when the stream ends or breaks; else that is the end. */
  readonly resumes?: boolean;
  /** Before each connection. */
  readonly onConnect?: () => void;
}

/** Reads server-sent events as WHATWG HTML 9.2 has it: what was cut off in the middle of an event is dropped. */
export class StreamClient {
  readonly events: CloudEvent[] = [];
  readonly statuses: (number | undefined)[] = [];
  comments = 0;
  /** Of those that ended without data: some readers hand them on as events that hold nothing. */
  emptyBlocks = 0;
  bytes = 0;
  retry: number | undefined;
  lastEventId: string | undefined;
  /** Whether the last answer came to its proper end. */
  complete: boolean | undefined;
  body = '';
  private failure: unknown;
  private closed = false;
  private current: ClientRequest | undefined;
  private response: IncomingMessage | undefined;
  /** Resolves when no more comes. */
  readonly done: Promise<void>;

  constructor(private readonly options: StreamOptions) {
    this.lastEventId = options.lastEventId;
    this.done = this.run();
  }

  get ids(): string[] {
    return this.events.map(({ id }) => id);
  }

  /** Takes nothing more from the socket, or again. */
  pause(): void {
    this.response?.pause();
  }
  resume(): void {
    this.response?.resume();
  }

  close(): void {
    this.closed = true;
    this.current?.destroy();
  }

  async until(what: string, holds: (client: this) => boolean, ms = 15_000): Promise<void> {
    const due = performance.now() + ms;
    while (!holds(this)) {
      if (performance.now() > due) {
        throw new Error(`Not within ${ms} ms: ${what}; answers: ${this.statuses.join()}`, { cause: this.failure });
      }
      await delay(5);
    }
  }

  private async run(): Promise<void> {
    do {
      this.options.onConnect?.();
      await this.connection().catch((error: unknown) => (this.failure = error));
      if (!this.closed && this.options.resumes === true) await delay(2);
    } while (!this.closed && this.options.resumes === true);
  }

  private connection(): Promise<void> {
    const { url, authorization, query = {} } = this.options;
    const path = `/events/stream?${new URLSearchParams(query).toString()}`;
    const headers = {
      authorization,
      accept: 'text/event-stream',
      ...(this.lastEventId !== undefined && { 'last-event-id': this.lastEventId }),
    };
    return new Promise((resolve, reject) => {
      this.current = request(new URL(path, url), { headers, agent: false });
      this.current.on('error', reject).on('response', (response) => {
        this.response = response;
        this.statuses.push(response.statusCode);
        if (response.statusCode === 200) this.read(response);
        else response.setEncoding('utf8').on('data', (text: string) => (this.body += text));
        response
          .on('error', () => undefined)
          .on('close', () => {
            this.complete = response.complete;
            resolve();
          });
      });
      this.current.end();
    });
  }

  private read(response: IncomingMessage): void {
    let rest = Buffer.alloc(0);
    response.on('data', (bytes: Buffer) => {
      this.bytes += bytes.length;
      rest = Buffer.concat([rest, bytes]);
      for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
        this.block(rest.subarray(0, end).toString('utf8').split('\n'));
        rest = rest.subarray(end + 2);
      }
    });
  }

  private block(lines: readonly string[]): void {
    let data: string | undefined;
    for (const line of lines) {
      const colon = line.indexOf(':');
      const value = line.slice(colon + 1).replace(/^ /, '');
      if (colon === 0) this.comments += 1;
      else if (line.startsWith('id:')) this.lastEventId = value;
      else if (line.startsWith('retry:')) this.retry = Number(value);
      else if (line.startsWith('data:')) data = value;
      else throw new Error(`Not a line of an event stream: ${line}`);
    }
    if (data === undefined) this.emptyBlocks += 1;
    if (data !== undefined) this.events.push(JSON.parse(data) as CloudEvent);
  }
}
