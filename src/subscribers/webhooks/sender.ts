import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as overHttp,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
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

/** Called once what is said can be sent at once, and once more where a kept connection turns out to be closed. */
export type MakeMessage = () => Promise<Message>;

/** That is no fault of the endpoint. */
class NotMade extends Error {
  constructor(readonly reason: Error) {
    super('There is nothing to send', { cause: reason });
  }
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
   * @param make is asked when the connection stands: looking up and connecting take seconds, and what may be said can be
   * another thing after them
   * @param attempt chooses among several addresses of one name
   * @param signal ends it. @throws the signal's reason, when that came first, or why nothing could be made
   */
  async send(url: string, make: MakeMessage, signal: AbortSignal, attempt = 0): Promise<Answer> {
    const late = AbortSignal.timeout(this.timeoutMs);
    const until = AbortSignal.any([signal, late]);
    try {
      const target = await raced(this.addresses.targetOf(url), until);
      return answerOf(await this.post(target, make, until, attempt));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NotMade) throw error.reason;
      if (error instanceof AddressRefused) return { outcome: 'address_refused' };
      return { outcome: late.aborted ? 'timed_out' : 'unreachable' };
    }
  }

  /** Idle connections are closed; what is under way is ended by its signal. */
  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  /** A kept connection may have been closed by the other side just now: that says nothing of the endpoint. */
  private async post(
    target: Target,
    make: MakeMessage,
    signal: AbortSignal,
    attempt: number,
  ): Promise<IncomingMessage> {
    const first = this.request(target, signal, attempt);
    try {
      return await answerTo(first, make);
    } catch (error) {
      if (!first.reusedSocket || signal.aborted || error instanceof NotMade) throw error;
      return await answerTo(this.request(target, signal, attempt, false), make);
    }
  }

  private request({ url, addresses }: Target, signal: AbortSignal, attempt: number, reuse = true): ClientRequest {
    const secure = url.protocol === 'https:';
    const name = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const options: RequestOptions & { servername?: string } = {
      method: 'POST',
      // The address that was checked, never the name: nothing is looked up again on the way.
      host: addresses[attempt % addresses.length] ?? addresses[0],
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: url.pathname + url.search,
      headers: { host: url.host },
      agent: reuse ? this.agents[secure ? 'https:' : 'http:'] : false,
      signal,
      // The certificate is the name's.
      ...(secure && { servername: isIP(name) > 0 ? '' : name }),
    };
    return secure ? overHttps(options) : overHttp(options);
  }
}

function answerTo(request: ClientRequest, make: MakeMessage): Promise<IncomingMessage> {
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
    request.on('socket', (socket) => {
      whenConnected(request, socket, () => {
        make()
          .then((message) => write(request, message))
          .catch((error: unknown) =>
            request.destroy(new NotMade(error instanceof Error ? error : new Error('Not made'))),
          );
      });
    });
  });
}

function whenConnected(request: ClientRequest, socket: Socket, then: () => void): void {
  const secure = socket instanceof TLSSocket;
  if (request.reusedSocket || !(secure || socket.connecting)) then();
  else socket.once(secure ? 'secureConnect' : 'connect', then);
}

function write(request: ClientRequest, { headers, body }: Message): void {
  if (request.destroyed) return;
  for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
  request.setHeader('content-length', String(Buffer.byteLength(body)));
  request.end(body);
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
