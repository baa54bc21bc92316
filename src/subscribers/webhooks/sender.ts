import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as overHttp,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import { isIP } from 'node:net';
import { type Addresses, AddressRefused, type Target } from './addresses.js';
import type { Outcome } from './lane.js';

export const SEND_TIMEOUT_MS = 10_000;
/** Of an answer's body, which nobody looks at: more than that costs the connection. */
const DRAIN_BYTES = 16 * 1024;
const DRAIN_MS = 1_000;
const IDLE_MS = 4_000;
const IDLE_CONNECTIONS = 8;

export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly outcome: Outcome;
  readonly status?: number;
  readonly retryAfter?: string;
}

/** Posts to endpoints. Follows no redirect, keeps nothing of an answer but its status, and is done within 10 s. */
export class Sender {
  private readonly agents = {
    'http:': new HttpAgent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS, timeout: IDLE_MS }),
    'https:': new HttpsAgent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS, timeout: IDLE_MS }),
  };

  constructor(
    private readonly addresses: Addresses,
    private readonly timeoutMs = SEND_TIMEOUT_MS,
  ) {}

  /**
   * @param attempt chooses among several addresses of one name
   * @param signal ends it. @throws the signal's reason, when that came first
   */
  async send(url: string, message: Message, signal: AbortSignal, attempt = 0): Promise<Answer> {
    const late = AbortSignal.timeout(this.timeoutMs);
    const until = AbortSignal.any([signal, late]);
    try {
      const target = await raced(this.addresses.targetOf(url), until);
      return answerOf(await this.post(target, message, until, attempt));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AddressRefused) return { outcome: 'address_refused' };
      return { outcome: late.aborted ? 'timed_out' : 'unreachable' };
    }
  }

  /** Idle connections are closed; what is under way is ended by its signal. */
  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  /** A kept connection may have been closed by the other side just now: that says nothing of the endpoint. */
  private async post(target: Target, message: Message, signal: AbortSignal, attempt: number): Promise<IncomingMessage> {
    const first = this.request(target, signal, message, attempt);
    try {
      return await answerTo(first, message.body);
    } catch (error) {
      if (!first.reusedSocket || signal.aborted) throw error;
      return await answerTo(this.request(target, signal, message, attempt, false), message.body);
    }
  }

  private request(
    { url, addresses }: Target,
    signal: AbortSignal,
    { headers, body }: Message,
    attempt: number,
    reuse = true,
  ): ClientRequest {
    const secure = url.protocol === 'https:';
    const name = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const options: RequestOptions & { servername?: string } = {
      method: 'POST',
      // The address that was checked, never the name: nothing is looked up again on the way.
      host: addresses[attempt % addresses.length] ?? addresses[0],
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: url.pathname + url.search,
      headers: { ...headers, host: url.host, 'content-length': String(Buffer.byteLength(body)) },
      agent: reuse ? this.agents[secure ? 'https:' : 'http:'] : false,
      signal,
      // The certificate is the name's.
      ...(secure && { servername: isIP(name) > 0 ? '' : name }),
    };
    return secure ? overHttps(options) : overHttp(options);
  }
}

function answerTo(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      discard(response);
      resolve(response);
    });
    // Left to itself, a request that is answered with another protocol ends without an answer and without an error.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    request.on('close', () => {
      reject(new Error('Closed without an answer'));
    });
    request.end(body);
  });
}

/** The status is the answer; its body is passed over, a little of it so that the connection can be used again. */
function discard(response: IncomingMessage): void {
  let bytes = 0;
  const end = (): void => {
    response.destroy();
  };
  const timer = setTimeout(end, DRAIN_MS).unref();
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DRAIN_BYTES) end();
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    clearTimeout(timer);
  });
}

function answerOf({ statusCode: status = 0, headers }: IncomingMessage): Answer {
  const retryAfter = headers['retry-after'];
  const asked = (status === 429 || status === 503) && retryAfter !== undefined ? { retryAfter } : {};
  return { outcome: outcomeOf(status), status, ...asked };
}

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return 'delivered';
  if (status >= 300 && status < 400) return 'redirected';
  return status === 410 ? 'gone' : 'refused';
}

/** The work itself may go on: it has bounds of its own. */
async function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(new Error('Not in time'));
    };
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
